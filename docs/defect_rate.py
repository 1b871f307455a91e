"""Defect rate against temperature and humidity, from the lake of a pool that several plants deliver to.

    python3 -m venv venv && venv/bin/pip install pandas duckdb statsmodels
    venv/bin/python docs/defect_rate.py LAKE [LAKE ...]

LAKE is the folder `lake` of the pool's data folder. To try it without plants, run the demo twice and give both lakes;
each run makes keys of its own, so it is a plant of its own:

    npm run demo -- --seconds 120 --keep plant-a; npm run demo -- --seconds 120 --keep plant-b
    venv/bin/python docs/defect_rate.py plant-a/pool/lake plant-b/pool/lake
"""

import json
import sys

import duckdb
import numpy as np
import statsmodels.api as sm

lakes = sys.argv[1:]
if not lakes:
    sys.exit(__doc__)

# %% One table of all plants. The contract gives columns one name, one unit and one meaning everywhere, so a union is all.
files = [f"{lake}/*/press-table/*/*.parquet" for lake in lakes]
rows = duckdb.sql(
    """
    select slot, asset, asset_class, oil_temperature_mean, humidity_mean, defect_rate, filename,
           q_oil_temperature_mean, q_humidity_mean, q_defect_rate
    from read_parquet($files, union_by_name = true, filename = true)
    order by slot, asset
    """,
    params={"files": files},
).df()

# %% Who wrote a row, how coarse it is, and whether there is noise stands in the file itself.
manifests = duckdb.sql(
    "select file_name, decode(value) as manifest from parquet_kv_metadata($files) where decode(key) = 'pool.manifest'",
    params={"files": files},
).df()
manifests["manifest"] = manifests["manifest"].map(json.loads)
rows["plant"] = rows["filename"].map(
    {m.file_name: m.manifest["contributor"] for m in manifests.itertuples()}
)
columns = {c["name"]: c for c in manifests["manifest"].iloc[0]["columns"]}
for name in ["oil_temperature_mean", "humidity_mean", "defect_rate"]:
    column = columns[name]
    noise = f"noise {column['noise']}" if column["noise"] else "no noise"
    print(f"{name}: {column['stat']} over {column['window_s']} s, in {column['unit']}, steps of {column['step']}, {noise}")
plants = rows.groupby("plant").agg(
    rows=("slot", "size"), machines=("asset", "nunique"), since=("slot", "min"), until=("slot", "max")
)
print(plants.to_string())

# %% A mark says what a cell is: 0 ok, 1 degraded, 2 missing (null), 3 clipped to the range. Clipped ones would bend a fit.
whole = rows[(rows[[c for c in rows if c.startswith("q_")]] <= 1).all(axis=1)].dropna()
print(f"{len(whole)} of {len(rows)} rows are whole")

# %% How it goes with each condition, plant by plant.
conditions = ["oil_temperature_mean", "humidity_mean"]
print(whole.groupby("plant")[[*conditions, "defect_rate"]].corr()["defect_rate"].unstack()[conditions].round(3).to_string())

# %% A logistic model of the share, with a level for each plant: plants may differ, the slopes are what they share.
x = whole[conditions].copy()
x.columns = ["temperature", "humidity"]
for i, plant in enumerate(sorted(whole["plant"].unique())):
    x[f"plant_{i}"] = (whole["plant"] == plant).astype(float)
share = whole["defect_rate"].clip(0, 1)
fit = sm.GLM(share, x, family=sm.families.Binomial()).fit(cov_type="HC1")
print(fit.summary2().tables[1].round(4))

for name in ["temperature", "humidity"]:
    low, high = fit.conf_int().loc[name]
    odds = np.exp([fit.params[name], low, high])
    print(f"one more of {name}: the odds of a defect are {odds[0]:.3f} times as high ({odds[1]:.3f} to {odds[2]:.3f})")
residual = share - fit.predict(x)
print(f"explained: {1 - residual.var() / share.var():.2f} of the variance of the defect rate")
