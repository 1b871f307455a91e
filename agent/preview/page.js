// Runs in the browser, inlined into the page by page.ts. Names are put in as text, never as HTML.
/* global uPlot */
{
  const data = JSON.parse(document.getElementById('data').textContent)
  const style = getComputedStyle(document.documentElement)
  const colour = (name) => style.getPropertyValue(`--${name}`).trim()
  const utc = (seconds) => new Date(seconds * 1000).toISOString()
  const clock = (seconds) => utc(seconds).slice(11, 16)

  /** Cells as steps from slot to slot: each value holds to the end of its slot, also before a slot without one. */
  function stepsOf({ first, slot, cells }) {
    const [times, values] = [[], []]
    const add = (ms, value) => {
      times.push(ms / 1000)
      values.push(value)
    }
    for (const [i, cell] of cells.entries()) {
      const start = first + i * slot
      add(start, cell)
      if (cell !== null && (cells[i + 1] ?? null) === null) add(start + slot - 1, cell)
    }
    return [times, values]
  }

  /** Readings as a band from low to high, cells as steps, clipped cells as dots; on one axis of time. */
  function alignedOf(chart) {
    const raw = chart.raw.map(({ at, low, high }) => [at.map((ms) => ms / 1000), low, high])
    const clipped = [...chart.cells.keys()].filter((i) => chart.q[i] === 3)
    const dots = [clipped.map((i) => (chart.first + i * chart.slot) / 1000), clipped.map((i) => chart.cells[i])]
    // A null between readings is a silence; one among cells lasts for its slot (uPlot: 1 retains, 2 expands nulls).
    return uPlot.join([...raw, stepsOf(chart), dots], [...raw.map(() => [0, 1, 1]), [0, 2], [0, 1]])
  }

  function seriesOf(chart) {
    const rawScale = chart.apart ? 'apart' : 'y'
    const raw = chart.raw.flatMap((_, i) => {
      const name = chart.raw.length > 1 ? chart.signals[i] : 'readings'
      const line = { scale: rawScale, stroke: colour('raw'), width: 1, points: { show: false } }
      return [
        { ...line, label: `${name} from` },
        { ...line, label: 'to' },
      ]
    })
    return [
      { label: 'UTC', value: (_, seconds) => (seconds == null ? '' : utc(seconds).slice(0, 19).replace('T', ' ')) },
      ...raw,
      {
        label: 'disclosed',
        stroke: colour('out'),
        width: 2,
        paths: uPlot.paths.stepped({ align: 1 }),
        points: { show: false },
      },
      {
        label: 'clipped',
        stroke: colour('bad'),
        width: 0,
        paths: () => null,
        points: { show: true, size: 6, fill: colour('bad') },
      },
    ]
  }

  /** Times of the day, and below the first of each day its date. */
  function timesOf(_, splits) {
    return splits.map((seconds, i) => {
      const day = utc(seconds).slice(0, 10)
      return i === 0 || utc(splits[i - 1]).slice(0, 10) !== day ? `${clock(seconds)}\n${day}` : clock(seconds)
    })
  }

  function wordsOf(chart) {
    return (_, splits) =>
      splits.map((level) =>
        Number.isInteger(level) ? (chart.vocabulary[level] ?? (level === chart.vocabulary.length ? '∅' : '')) : '',
      )
  }

  function draw(node, chart) {
    const axis = {
      stroke: colour('faint'),
      grid: { stroke: colour('line'), width: 1 },
      ticks: { stroke: colour('line') },
    }
    const left = chart.vocabulary ? { ...axis, size: 90, values: wordsOf(chart), incrs: [1] } : { ...axis, size: 56 }
    const axes = [{ ...axis, values: timesOf }, left]
    if (chart.apart) axes.push({ ...axis, scale: 'apart', side: 1, size: 70, grid: { show: false } })
    const bands = chart.raw.map((_, i) => ({ series: [2 * i + 2, 2 * i + 1], fill: `${colour('raw')}55` }))
    const options = {
      width: node.clientWidth,
      height: 180,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      cursor: { drag: { x: true, y: false } },
      series: seriesOf(chart),
      axes,
      bands,
      legend: { markers: { width: 0 } },
      scales: chart.vocabulary ? { y: { range: [-0.4, chart.vocabulary.length + 0.4] } } : {},
    }
    return new uPlot(options, alignedOf(chart), node)
  }

  // A page may hold hundreds of charts: those that can be seen are drawn, the others give their memory back.
  const MARGIN = 400
  const plots = new Map()
  function show(node, visible) {
    if (visible && !plots.has(node)) plots.set(node, draw(node, data[Number(node.dataset.chart)]))
    else if (!visible && plots.has(node)) {
      plots.get(node).destroy()
      plots.delete(node)
    }
  }
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) show(target, isIntersecting)
    },
    { rootMargin: `${MARGIN}px` },
  )
  for (const node of document.querySelectorAll('.plot')) {
    // At once, and not only with the next frame.
    show(node, node.getBoundingClientRect().top < window.innerHeight + MARGIN)
    watcher.observe(node)
  }

  function redraw() {
    for (const [node, plot] of plots) {
      plot.destroy()
      plots.set(node, draw(node, data[Number(node.dataset.chart)]))
    }
  }
  let width = window.innerWidth
  window.addEventListener('resize', () => {
    if (window.innerWidth === width) return
    width = window.innerWidth
    redraw()
  })
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw)

  for (const box of document.querySelectorAll('input[type=search]')) {
    const pool = box.closest('[data-pool]')
    box.addEventListener('input', () => {
      const words = box.value.normalize('NFC').toLowerCase().split(/\s+/)
      let shown = 0
      for (const node of pool.querySelectorAll('[data-find]')) {
        const fits = words.every((word) => node.dataset.find.includes(word))
        node.hidden = !fits
        if (fits) shown++
      }
      pool.querySelector('[data-shown]').textContent = box.value === '' ? '' : `${shown} shown`
    })
  }

  for (const button of document.querySelectorAll('button[data-lang]')) {
    const pool = button.closest('[data-pool]')
    button.addEventListener('click', () => {
      for (const other of pool.querySelectorAll('button[data-lang]'))
        other.setAttribute('aria-pressed', String(other === button))
      for (const card of pool.querySelectorAll('.card[lang]')) card.hidden = card.lang !== button.dataset.lang
    })
  }
}
