import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { formatBytes, formatDuration } from '../../core/option.ts'
import type { PolicyCard } from '../../privacy/card.ts'
import { deviationText, type PolicyFacts, withUnit } from '../../privacy/facts.ts'
import type { Explained } from '../../privacy/preview.ts'
import { formatTime } from '../cli/common.ts'
import { type Html, html, jsonScript } from './html.ts'
import type { RecentView, WouldBeBatch } from './recent.ts'
import type { Chart } from './replay.ts'
import { BITS_TEXT, hourly, type PoolPreview } from './view.ts'

/** By this a file is known as a preview that may be replaced by a newer one. */
export const PAGE_MARK = '<meta name="generator" content="sluice preview">'

const LANGUAGES = { en: 'English', ko: '한국어', ja: '日本語' } as const

/**
 * One page with everything in it: nothing is fetched, and its policy lets nothing run but the two scripts that are
 * inlined here. @param now UnixMs
 */
export function renderPage(pools: readonly PoolPreview[], now: number): string {
  const uplot = createRequire(import.meta.url).resolve('uplot/dist/uPlot.iife.min.js')
  const own = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')
  const scripts = [readFileSync(uplot, 'utf8'), own('page.js')]
  const styles = [readFileSync(uplot.replace('iife.min.js', 'min.css'), 'utf8'), own('page.css')]
  const hashes = (texts: readonly string[]): string =>
    texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ')
  const policy = `default-src 'none'; script-src ${hashes(scripts)}; style-src ${hashes(styles)}; base-uri 'none'; form-action 'none'`
  // The scripts are ours and a library's, the only texts here that are not escaped.
  const inline = (tag: 'script' | 'style', texts: readonly string[]): Html => ({
    html: texts.map((text) => `<${tag}>${text}</${tag}>`).join('\n'),
  })
  const charts = pools.flatMap((pool) => chartsOf(pool))
  let first = 0
  const articles = pools.map((pool) => {
    const article = renderPool(pool, first)
    first += chartsOf(pool).length
    return article
  })
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
${{ html: PAGE_MARK }}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What would leave: ${pools.map(({ pool }) => pool).join(', ')}</title>
${inline('style', styles)}
</head>
<body>
<main>
<h1>What would leave this plant</h1>
<p class="faint">Made by sluice preview at ${formatTime(now)}. All times are UTC.</p>
<p class="note">This page holds raw readings and local names: it stays in the plant. Nothing was sent, stored or charged for it.</p>
${articles}
</main>
${jsonScript('data', charts.map(plain))}
${inline('script', scripts)}
</body>
</html>
`
  return page.html
}

function chartsOf(pool: PoolPreview): readonly Chart[] {
  return pool.gate === 'open' && !('absent' in pool.recent) ? pool.recent.charts : []
}

/** What is drawn, with as many digits as a drawing can show. */
function plain({ apart, signals, slot, vocabulary, raw, first, cells, q }: Chart): object {
  const short = (n: number | null): number | null => (n === null ? null : Number(n.toPrecision(6)))
  const traces = raw.map(({ at, low, high }) => ({
    at: at.map(Math.round),
    low: low.map(short),
    high: high.map(short),
  }))
  return { apart, signals, slot, vocabulary, raw: traces, first, cells, q }
}

function renderPool(pool: PoolPreview, firstChart: number): Html {
  if (pool.gate === 'shut')
    return html`<article data-pool><h2>Pool ${pool.pool}</h2><p class="note">The gate is shut, nothing leaves: ${pool.reason}</p></article>`
  const { facts, signals, cards, recent } = pool
  const inside = signals.filter(({ withheld }) => withheld !== null)
  return html`<article data-pool>
<h2>Pool ${pool.pool}</h2>
${renderTiles(facts, signals, recent)}
<div class="bar"><input type="search" placeholder="signal, column, reason …" aria-label="Show only what contains"><span class="faint" data-shown></span></div>
<h2>Readings, and what they become</h2>
${'absent' in recent ? html`<p class="note">${recent.absent}</p>` : renderCharts(recent, facts, firstChart)}
<h2>Column by column</h2>
${renderColumns(facts)}
<h2>What stays inside</h2>
${renderInside(inside)}
${'absent' in recent ? null : renderAccounts(recent)}
<h2>Files as they would be sealed</h2>
${'absent' in recent ? html`<p class="note">${recent.absent}</p>` : recent.batches.map(renderBatch)}
${'absent' in recent || recent.batches.length > 0 ? null : html`<p class="faint">No slot is closed yet.</p>`}
<h2>The policy in plain words</h2>
<div class="bar">${cards.map(({ language }, i) => html`<button type="button" data-lang="${language}" aria-pressed="${String(i === 0)}">${LANGUAGES[language]}</button>`)}</div>
${cards.map((card, i) => renderCard(card, i === 0))}
</article>`
}

function renderTiles(
  facts: PolicyFacts,
  signals: readonly Explained[],
  recent: RecentView | { readonly absent: string },
): Html {
  const { cells, bits } = hourly(facts)
  const leave = signals.filter(({ becomes }) => becomes.length > 0).length
  const number = (n: number): string => n.toLocaleString('en', { maximumFractionDigits: 0 })
  const hours = 'absent' in recent ? 0 : Math.max(1, recent.until - recent.from) / 3_600_000
  return html`<div class="tiles">
<div><b>${'absent' in recent ? '–' : number(recent.readings / hours)}</b><span>readings come in an hour</span></div>
<div><b>${number(cells)}</b><span>cells leave an hour</span></div>
<div title="${BITS_TEXT}"><b>${number(bits)}</b><span>bits leave an hour at most</span></div>
<div><b>${leave} of ${signals.length}</b><span>signals feed a column, ${signals.length - leave} stay inside</span></div>
<div><b>${facts.expires}</b><span>is the last day; profile ${facts.profile}</span></div>
</div>
<p class="faint">${BITS_TEXT}</p>`
}

function renderCharts({ from, until, damaged, charts }: RecentView, facts: PolicyFacts, firstChart: number): Html {
  const numbered = charts.map((chart, i) => ({ chart, i: firstChart + i }))
  return html`<p class="faint">Readings that were stored from ${formatTime(from)} to ${formatTime(until)}, and what they become. The value of a window that is longer than a slot stands in the slots after it. Slots that are still open are not drawn.${facts.budget ? ' Noise was drawn for this page alone, for drawings and files apart, and is thrown away.' : ''}${damaged > 0 ? ` ${damaged} blocks are damaged and left out.` : ''}</p>
<p class="keys faint"><i class="raw"></i>readings, lowest to highest <i class="out"></i>disclosed <i class="clip"></i>clipped to the range</p>
<div class="charts">
${numbered.map(({ chart, i }) => renderChart(chart, facts, i))}
</div>`
}

function renderChart(chart: Chart, facts: PolicyFacts, i: number): Html {
  const { dataset, column, signals, assets, window, stat, readings, cells, marks } = chart
  const found = facts.datasets.find((one) => one.dataset === dataset)?.columns.find((one) => one.column === column)
  const grid = found?.range
    ? `${found.range[0]} to ${withUnit(found.range[1], found.unit)} in steps of ${found.step}`
    : `only ${(chart.vocabulary ?? []).join(', ')}`
  const marked = Object.entries(marks).flatMap(([mark, n]) => (n > 0 ? [`${n} ${mark}`] : []))
  return html`<section class="chart" data-find="${findable(dataset, column, ...signals, ...assets)}">
<h3>${signals.join(' ÷ ')}</h3>
<p class="faint">→ <code>${dataset}.${column}</code>${assets.length > 1 ? ` of ${assets.join(', ')}` : ''}: ${stat} over ${formatDuration(window)}, ${grid}</p>
<p class="faint">${readings} readings → ${cells.length} slots${marked.length > 0 ? `: ${marked.join(', ')}` : ''}</p>
${readings === 0 && cells.length === 0 ? html`<p class="faint">Nothing came.</p>` : html`<div class="plot" data-chart="${i}"></div>`}
</section>`
}

function renderColumns({ datasets }: PolicyFacts): Html {
  const rows = datasets.flatMap(({ columns }) => columns)
  return wideTable(
    ['column', 'meaning', 'made of', 'statistic', 'range', 'step', 'noise', 'bits an hour', 'accepted risk'],
    rows.map((c) => ({
      find: findable(c.dataset, c.column, ...c.sources.flatMap(({ signals }) => signals), c.accepted_risk ?? ''),
      cells: [
        `${c.dataset}.${c.column}`,
        c.meaning,
        [...new Set(c.sources.map(({ signals }) => signals.join(' ÷ ')))].join(', '),
        `${c.stat} over ${formatDuration(c.window_ms)}${c.floor === null ? '' : `, null below ${c.floor}`}`,
        c.range ? `${c.range[0]} to ${withUnit(c.range[1], c.unit)}` : (c.vocabulary ?? []).join(', '),
        c.step === null ? '–' : withUnit(c.step, c.unit),
        c.noise ? `sd ${deviationText(c.noise, c.unit)}, epsilon ${c.noise.epsilon}` : 'none',
        Math.ceil(c.bits_an_hour),
        c.accepted_risk ?? '–',
      ],
    })),
  )
}

function renderInside(inside: readonly Explained[]): Html {
  if (inside.length === 0) return html`<p class="faint">Every signal of the configuration feeds a column.</p>`
  return wideTable(
    ['signal', 'why it stays inside'],
    inside.map(({ signal, withheld }) => ({ find: findable(signal, withheld ?? ''), cells: [signal, withheld] })),
  )
}

/** What became of the readings that were judged so far; which withheld them, and why. */
function renderAccounts({ accounts }: RecentView): Html | null {
  if (!accounts) return null
  const { pending, disclosed, withheld, evicted } = accounts
  const rows: readonly (readonly [account: string, n: number, why: string])[] = [
    ['pending', pending, 'not judged yet: a slot still waits'],
    ['disclosed', disclosed, 'shaped a cell that was sealed'],
    ...Object.entries(withheld).map(([reason, n]) => [`withheld: ${reason}`, n, WITHHELD[reason] ?? ''] as const),
    ...Object.entries(evicted).map(
      ([reason, n]) => [`evicted: ${reason}`, n, 'given up before it was judged'] as const,
    ),
  ]
  return html`<p>Single readings of signals that leave may be withheld too. Since the agent began to publish for this pool:</p>
${wideTable(
  ['account', 'readings', 'why'],
  rows.map((cells) => ({ find: findable(cells[0]), cells })),
)}`
}

const WITHHELD: Readonly<Record<string, string>> = {
  unlisted: 'no rule of the policy names its signal',
  late: 'its slot was closed when it was stored',
  bad: 'its quality was bad',
  clock: 'its time cannot be trusted',
  new_stream: 'its window began before this policy or this stream of batches',
  floor: 'its window counted fewer than the floor',
  unusable: 'it could not contribute: no number, outside the vocabulary, or the first of a counter',
  exhausted: 'the budget of noise was spent',
  redraw_refused: 'its noise was drawn once already, and the draw is gone',
}

function renderBatch({ dataset, size, whole, file }: WouldBeBatch): Html {
  const { manifest, columns, first, rows } = file
  const about = whole ? 'the last whole period' : 'the last slot alone, as no period is whole yet'
  return html`<h3>${dataset}</h3>
<p class="faint">${rows} rows of ${about}, sealed with keys made for this page and decoded again. The file has ${formatBytes(size)}, ${manifest.pad_bytes} bytes of them padding. Pseudonyms and signature are other ones each time this page is made.</p>
<div class="rows">${wideTable(
    columns.map(({ name }) => name),
    first.map((row) => ({ find: '', cells: Object.values(row).map((cell) => cell ?? '∅') })),
  )}</div>
${rows > first.length ? html`<p class="faint">and ${rows - first.length} more rows</p>` : null}
<details><summary>What the file says of itself</summary><pre>${JSON.stringify(manifest, null, 2)}</pre></details>`
}

function renderCard({ language, title, sections }: PolicyCard, shown: boolean): Html {
  return html`<section class="card" lang="${language}"${shown ? null : html` hidden`}>
<h3>${title}</h3>
${sections.map(
  (section) => html`<h3>${section.title}</h3>
<ul>${section.items.map(({ text, under }) => html`<li>${text}${under.length > 0 ? html`<ul>${under.map((one) => html`<li>${one}</li>`)}</ul>` : null}</li>`)}</ul>`,
)}
</section>`
}

interface TableRow {
  /** '' where no filter hides it */
  readonly find: string
  readonly cells: readonly (string | number | null)[]
}

/** A table that scrolls by itself where the page is narrower. */
function wideTable(head: readonly string[], rows: readonly TableRow[]): Html {
  const isNumber = head.map((_, i) => typeof rows[0]?.cells[i] === 'number')
  const kind = (i: number): string => (isNumber[i] ? 'cell number' : 'cell')
  return html`<div class="wide"><table>
<thead><tr>${head.map((name, i) => html`<th class="${kind(i)}">${name}</th>`)}</tr></thead>
<tbody>
${rows.map(({ find, cells }) => html`<tr${find === '' ? null : html` data-find="${find}"`}>${cells.map((cell, i) => html`<td class="${kind(i)}">${cell}</td>`)}</tr>`)}
</tbody>
</table></div>`
}

function findable(...texts: readonly string[]): string {
  return texts.join(' ').normalize('NFC').toLowerCase()
}
