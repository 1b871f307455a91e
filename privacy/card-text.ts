/** Languages that the policy card is written in. */
export const CARD_LANGUAGES = ['en', 'ko', 'ja'] as const
export type CardLanguage = (typeof CARD_LANGUAGES)[number]

/**
 * The texts of the policy card, for people who approve and not for those who program. They claim what PRIVACY.md claims
 * and nothing else. `{name}` is filled in; in Korean nothing stands behind it whose form would depend on its last letter.
 */
export const CARD_TEXTS = {
  title: {
    en: 'What this plant discloses to the data pool {pool}',
    ko: '이 공장이 데이터 풀 {pool}에 공개하는 내용',
    ja: 'この工場がデータプール {pool} に開示する内容',
  },

  receivers: { en: 'Who receives it', ko: '받는 곳', ja: '受け取る相手' },
  operator: {
    en: 'The operator of {pool} receives signed files, and knows which plant sends them: the plant has an account there.',
    ko: '{pool}의 운영자는 서명된 파일을 받습니다. 공장이 그곳에 계정을 가지고 있으므로 어느 공장이 보냈는지 압니다.',
    ja: '{pool} の運営者が署名済みのファイルを受け取ります。工場のアカウントがあるため、どの工場が送ったかは運営者に分かります。',
  },
  users: {
    en: 'Other users of the pool see a pseudonym in the place of the plant and of each machine. By their text alone, pseudonyms cannot be linked to those of other pools or periods.',
    ko: '데이터 풀의 다른 이용자에게는 공장과 각 설비의 이름 대신 가명이 보입니다. 가명의 문자열만으로는 다른 데이터 풀이나 다른 기간의 가명과 연결할 수 없습니다.',
    ja: 'データプールの他の利用者には、工場名と各設備名の代わりに仮名が見えます。仮名の文字列だけでは、別のプールや別の期間の仮名と結び付けられません。',
  },

  leaves: { en: 'What leaves, and how coarse', ko: '나가는 데이터와 그 정밀도', ja: '外に出るデータとその粗さ' },
  dataset: {
    en: '{dataset}: one row for each of {assets} assets, for every {slot}',
    ko: '{dataset}: 대상 설비 {assets}개 각각에 대해 {slot}마다 한 행',
    ja: '{dataset}：対象設備 {assets} 件それぞれについて、{slot}ごとに 1 行',
  },
  number: {
    en: '{meaning} ({column}): {stat} over {window}, from {low} to {high}, in steps of {step}',
    ko: '{meaning}({column}): {window} 동안의 {stat}, 범위 {low} ~ {high}, 간격 {step}',
    ja: '{meaning}（{column}）：{window}の{stat}、範囲 {low} ～ {high}、刻み {step}',
  },
  category: {
    en: '{meaning} ({column}): {stat} over {window}, one of these words or nothing: {words}',
    ko: '{meaning}({column}): {window} 동안의 {stat}, 다음 단어 중 하나이거나 비어 있음: {words}',
    ja: '{meaning}（{column}）：{window}の{stat}、次の語のいずれか、または空欄：{words}',
  },
  floor: {
    en: 'empty where fewer than {floor} were counted',
    ko: '집계된 수가 {floor} 미만이면 비워 둠',
    ja: '数えた数が {floor} 未満なら空欄',
  },
  noise: {
    en: 'with random noise of standard deviation {sd} (epsilon {epsilon})',
    ko: '무작위 잡음을 더함(표준편차 {sd}, 엡실론 {epsilon})',
    ja: 'ランダムなノイズを加算（標準偏差 {sd}、イプシロン {epsilon}）',
  },
  budget: {
    en: 'All values with noise together say at most epsilon {epsilon} of one signal within any {window}; once that is spent, they are empty.',
    ko: '잡음을 더한 값을 모두 합해 신호 하나에 대해 어느 {window} 동안에도 엡실론 {epsilon}까지만 드러납니다. 다 쓰면 그 값은 비어 있게 됩니다.',
    ja: 'ノイズを加えた値の全体で、1 つの信号について明かされるのは、どの{window}でもイプシロン {epsilon} までです。使い切ると、それらの値は空欄になります。',
  },
  marks: {
    en: 'Beside each value stands a mark: ok, degraded, missing or clipped. Each row also names the class of its machine: {classes}.',
    ko: '각 값 옆에는 정상, 품질 저하, 없음, 범위 초과 가운데 하나의 표시가 붙습니다. 각 행에는 설비의 종류도 적힙니다: {classes}.',
    ja: '各値には、正常・品質低下・欠損・範囲超過のいずれかの印が付きます。各行には設備の種別も記されます：{classes}。',
  },

  stat_mean: { en: 'mean', ko: '평균', ja: '平均' },
  stat_min: { en: 'lowest value', ko: '최솟값', ja: '最小値' },
  stat_max: { en: 'highest value', ko: '최댓값', ja: '最大値' },
  stat_last: { en: 'last value', ko: '마지막 값', ja: '最後の値' },
  stat_rate: { en: 'ratio of two counts', ko: '두 집계 수의 비율', ja: '2 つの数の比率' },
  stat_std: { en: 'standard deviation', ko: '표준편차', ja: '標準偏差' },
  stat_share_true: { en: 'share of time on', ko: '켜져 있던 시간의 비율', ja: 'オンだった時間の割合' },
  stat_share_false: { en: 'share of time off', ko: '꺼져 있던 시간의 비율', ja: 'オフだった時間の割合' },
  stat_mode: { en: 'most frequent value', ko: '가장 많이 나온 값', ja: '最も多かった値' },
  stat_delta: { en: 'number counted', ko: '집계된 수', ja: '数えた数' },

  often: { en: 'How often', ko: '나가는 주기', ja: '送る頻度' },
  cadence: {
    en: '{dataset}: one file for every {cadence}, always of the same size ({size}), also when nothing happened, so that its size tells whoever watches the network nothing of what the plant does. When it is sent may tell something: files come later where a source falls silent altogether, and not at all while the gateway is off',
    ko: '{dataset}: {cadence}마다 파일 하나. 아무 일이 없어도 크기가 항상 같으므로({size}) 네트워크를 지켜보는 사람이 파일 크기로는 공장의 가동 상황을 알 수 없음. 다만 보내는 시점은 단서가 될 수 있음. 데이터 소스가 완전히 침묵하면 파일이 늦게 나가고, 게이트웨이가 꺼져 있는 동안에는 나가지 않음',
    ja: '{dataset}：{cadence}ごとにファイル 1 個。何も起きなくても常に同じ大きさ（{size}）なので、通信を監視する者がファイルの大きさから工場の稼働状況を知ることはできない。ただし送信の時点は手掛かりになり得る。データ源が完全に沈黙すると送信が遅れ、ゲートウェイの停止中は送信されない',
  },
  bits: {
    en: 'In all cells together at most {bits} bits leave in an hour: for each cell, the binary logarithm of how many values and marks it can have.',
    ko: '모든 셀을 합해 한 시간에 최대 {bits}비트가 나갑니다. 셀마다 가질 수 있는 값과 표시의 수에 이진 로그를 취해 더한 수입니다.',
    ja: '全セルの合計で、1 時間に最大 {bits} ビットが外に出ます。セルごとに、取り得る値と印の数の二進対数を足したものです。',
  },

  never: { en: 'What never leaves', ko: '결코 나가지 않는 것', ja: '決して外に出ないもの' },
  raw: { en: 'Raw readings', ko: '원시 측정값', ja: '生の測定値' },
  names: {
    en: 'Names of the plant, of machines, places, signals and gateways; network addresses, topics and registers',
    ko: '공장, 설비, 장소, 신호, 게이트웨이의 이름과 네트워크 주소, 토픽, 레지스터',
    ja: '工場・設備・場所・信号・ゲートウェイの名称、ネットワークアドレス、トピック、レジスタ',
  },
  people: {
    en: 'Keys by which people, lots, moulds or orders could be followed',
    ko: '사람, 로트, 금형, 주문을 추적할 수 있는 식별자',
    ja: '人・ロット・金型・注文を追跡できる識別子',
  },
  unlisted: {
    en: 'Every signal that no rule names; at present {n}: {signals}',
    ko: '규칙에 적히지 않은 모든 신호. 현재 {n}개: {signals}',
    ja: '規則に書かれていないすべての信号。現在 {n} 件：{signals}',
  },
  unlisted_count: {
    en: 'Every signal that no rule names; at present {n}',
    ko: '규칙에 적히지 않은 모든 신호. 현재 {n}개',
    ja: '規則に書かれていないすべての信号。現在 {n} 件',
  },
  unlisted_none: {
    en: 'Every signal that no rule names; at present there is none',
    ko: '규칙에 적히지 않은 모든 신호. 현재는 없음',
    ja: '規則に書かれていないすべての信号。現在はなし',
  },
  more: { en: '{names} and {n} more', ko: '{names} 외 {n}개', ja: '{names} ほか {n} 件' },

  until: { en: 'Until when', ko: '기한', ja: '期限' },
  expires: {
    en: 'Until the end of {day} (UTC). Nothing that comes later is sealed.',
    ko: '{day}(UTC)까지. 그보다 나중의 데이터는 봉인되지 않습니다.',
    ja: '{day}（UTC）まで。それより後のデータは封印されません。',
  },
  epochs: {
    en: 'New pseudonyms begin on: {days}',
    ko: '새 가명이 시작되는 날: {days}',
    ja: '新しい仮名が始まる日：{days}',
  },

  risks: { en: 'Risks accepted', ko: '수용한 위험', ja: '受け入れたリスク' },
  no_risk: {
    en: 'None: every column is at least as coarse as the profile {profile} asks for',
    ko: '없음. 모든 열이 프로필 {profile}에서 요구하는 것 이상으로 거칩니다.',
    ja: 'なし。すべての列が、プロファイル {profile} の求める粗さ以上です。',
  },
  risk: {
    en: '{column} may be finer than the profile {profile} allows. The reason given: {reason}',
    ko: '{column}: 프로필 {profile}에서 허용하는 것보다 정밀할 수 있음. 적힌 사유: {reason}',
    ja: '{column}：プロファイル {profile} の許容より細かいことがあります。記された理由：{reason}',
  },

  limits: { en: 'What is not promised', ko: '약속하지 않는 것', ja: '約束しないこと' },
  traces: {
    en: 'Other users who hold a piece of the raw readings may find it again in the rows. Long windows and coarse steps make that harder; the attack bench measures how far.',
    ko: '원시 측정값의 일부를 가진 다른 이용자는 행에서 그것을 다시 찾아낼 수 있습니다. 긴 구간과 거친 간격이 이를 어렵게 하며, 그 정도는 공격 시험으로 측정합니다.',
    ja: '生の測定値の一部を持つ他の利用者は、それを行の中から見つけ出せることがあります。長い区間と粗い刻みはそれを難しくし、その程度は攻撃試験で測ります。',
  },
  volume: {
    en: 'Volume, part counts and cycle time are protected from users and operator of the pool only as far as the attack bench has measured.',
    ko: '생산량, 부품 수, 사이클 타임은 데이터 풀의 이용자와 운영자에 대해 공격 시험으로 측정된 만큼만 보호됩니다.',
    ja: '生産量・部品数・サイクルタイムは、データプールの利用者と運営者に対し、攻撃試験で測られた範囲でのみ保護されます。',
  },
  counts: {
    en: '{column} discloses how much was counted, as exactly as its step says: a volume can be read from it.',
    ko: '{column}: 집계된 수 자체가 그 간격만큼의 정밀도로 공개되므로, 여기서 수량을 읽어 낼 수 있습니다.',
    ja: '{column}：数えた数そのものが、その刻みの精度で開示されるため、数量を読み取れます。',
  },
  empty_rate: {
    en: 'An empty ratio tells that fewer were counted than its floor.',
    ko: '비어 있는 비율은 집계된 수가 하한보다 적었다는 것을 알려 줍니다.',
    ja: '空欄の比率は、数えた数が下限より少なかったことを知らせます。',
  },
  denominator: {
    en: 'The noise of a ratio covers one part that turns from good to bad, not how many parts there were.',
    ko: '비율의 잡음은 부품 하나가 양품에서 불량품으로 바뀌는 영향을 가리며, 부품의 총수는 가리지 않습니다.',
    ja: '比率のノイズが覆うのは、部品 1 個が良品から不良品に変わる影響であり、部品の総数ではありません。',
  },

  identity: { en: 'Which policy this is', ko: '이 카드가 설명하는 정책', ja: 'このカードが説明するポリシー' },
  profile: {
    en: 'Profile {profile}: windows of at least {window}, steps of at least {percent} of the range',
    ko: '프로필 {profile}: 구간은 {window} 이상, 간격은 범위의 {percent} 이상',
    ja: 'プロファイル {profile}：区間は{window}以上、刻みは範囲の {percent} 以上',
  },
  daily_epsilon: {
    en: 'Every column has noise: epsilon of at most {epsilon} for each signal in a day',
    ko: '모든 열에 잡음이 있음: 신호마다 하루에 엡실론 {epsilon} 이하',
    ja: 'すべての列にノイズあり：信号ごとに 1 日イプシロン {epsilon} 以下',
  },
  rate_step: {
    en: 'Ratios: steps of at least {step}',
    ko: '비율: 간격은 {step} 이상',
    ja: '比率：刻みは {step} 以上',
  },
  delta_step: {
    en: 'Numbers counted: steps of at least {percent} of the range',
    ko: '집계된 수: 간격은 범위의 {percent} 이상',
    ja: '数えた数：刻みは範囲の {percent} 以上',
  },
  policy_hash: {
    en: 'Policy (SHA-256), for use inside the plant: {hash}',
    ko: '정책(SHA-256), 공장 내부용: {hash}',
    ja: 'ポリシー（SHA-256）、工場内でのみ使用：{hash}',
  },
  contract_hash: {
    en: 'Contract of the pool (SHA-256): {hash}',
    ko: '데이터 풀의 계약(SHA-256): {hash}',
    ja: 'データプールの契約（SHA-256）：{hash}',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<CardLanguage, string>>>>

export type CardText = keyof typeof CARD_TEXTS

/** What stands in braces. */
type Placeholder<T extends string> = T extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholder<Rest>
  : never
type PlaceholderOf<K extends CardText, L extends CardLanguage = CardLanguage> = Placeholder<(typeof CARD_TEXTS)[K][L]>

/** Texts that have every placeholder in every language; of others nothing can be said. */
type Even = {
  [K in CardText]: [PlaceholderOf<K>] extends [PlaceholderOf<K, 'en'> & PlaceholderOf<K, 'ko'> & PlaceholderOf<K, 'ja'>]
    ? K
    : never
}[CardText]

/** A text of the card in a language, with its placeholders filled in. */
export function say<K extends Even>(
  language: CardLanguage,
  text: K,
  ...[values]: [PlaceholderOf<K>] extends [never] ? [] : [Readonly<Record<PlaceholderOf<K>, string | number>>]
): string {
  const filled: Readonly<Record<string, string | number>> = values ?? {}
  return CARD_TEXTS[text][language].replace(/\{(\w+)\}/g, (_, name: string) => String(filled[name]))
}
