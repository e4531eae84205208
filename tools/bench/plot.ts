/** Draws bar charts as one SVG. All lengths are in pixels. */
import type { Summary } from "./statistics.ts"

export interface Bar {
  readonly label: string
  readonly summary: Summary
  readonly ours: boolean
}

export interface Panel {
  readonly title: string
  /** Says whether a longer or a shorter bar is better. */
  readonly note: string
  readonly bars: ReadonlyArray<Bar>
}

const width = 760
const margin = 20
const rowHeight = 28
const barHeight = 14
const headHeight = 58
const panelGap = 18
/** More than the average width of a letter, so that labels fit. */
const letter = 8
/** Width reserved for the number to the right of a bar. */
const numberWidth = 56

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

export const toText = (value: number): string => value.toFixed(value >= 10 ? 1 : 2)

const style = `
    .card { fill: #ffffff; stroke: #d1d9e0 }
    text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
    .title { font-size: 15px; font-weight: 600 }
    .note { fill: #59636e }
    .ours { font-weight: 600 }
    .bar { fill: #818b98 }
    .bar.own { fill: #0969da }
    .quartiles { stroke: #1f2328; stroke-width: 1.5 }
    .one { stroke: #59636e; stroke-dasharray: 3 3 }
    @media (prefers-color-scheme: dark) {
      .card { fill: #0d1117; stroke: #3d444d }
      text { fill: #f0f6fc }
      .note { fill: #9198a1 }
      .bar { fill: #656c76 }
      .bar.own { fill: #1f6feb }
      .quartiles { stroke: #f0f6fc }
      .one { stroke: #9198a1 }
    }
  `

const describe = ({ bars, title }: Panel): string =>
  `${title}: ${bars.map(({ label, summary }) => `${label}: ${toText(summary.median)}`).join("; ")}.`

export const description = (panels: ReadonlyArray<Panel>): string => panels.map(describe).join(" ")

const heightOf = ({ bars }: Panel): number => headHeight + bars.length * rowHeight

/** Each panel has its own scale, which begins at zero. */
export const draw = (title: string, panels: ReadonlyArray<Panel>): string => {
  const longest = Math.max(...panels.flatMap(({ bars }) => bars.map(({ label }) => label.length)))
  const left = margin + longest * letter + 10
  const room = width - left - margin - numberWidth
  if (room < 200) throw new Error(`A label of ${longest} characters leaves less than 200 pixels for the bars.`)
  const lines: Array<string> = []
  let top = margin
  for (const panel of panels) {
    const most = Math.max(...panel.bars.map(({ summary }) => Math.max(summary.high, summary.median)), 1)
    const x = (value: number): string => (left + (room * value) / most).toFixed(1)
    lines.push(
      `<text class="title" x="${margin}" y="${top + 16}">${escape(panel.title)}</text>`,
      `<text class="note" x="${margin}" y="${top + 36}">${escape(panel.note)}</text>`
    )
    const first = top + headHeight
    const last = first + panel.bars.length * rowHeight - (rowHeight - barHeight)
    for (const [index, { label, ours, summary }] of panel.bars.entries()) {
      const y = first + index * rowHeight
      const middle = y + barHeight / 2
      const end = Number(x(Math.max(summary.high, summary.median)))
      lines.push(
        `<text${ours ? ' class="ours"' : ""} x="${left - 10}" y="${middle + 4.5}" text-anchor="end">${escape(label)}</text>`,
        `<rect class="bar${ours ? " own" : ""}" x="${left}" y="${y}" width="${(Number(x(summary.median)) - left).toFixed(1)}" height="${barHeight}"/>`,
        `<path class="quartiles" d="M${x(summary.low)} ${middle}H${x(summary.high)}M${x(summary.low)} ${middle - 4}v8M${x(summary.high)} ${middle - 4}v8"/>`,
        `<text x="${(end + 8).toFixed(1)}" y="${middle + 4.5}">${toText(summary.median)}</text>`
      )
    }
    lines.push(`<path class="one" d="M${x(1)} ${first - 6}V${last + 6}"/>`)
    top += heightOf(panel) + panelGap
  }
  const height = top - panelGap + margin
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">`,
    `  <title id="title">${escape(title)}</title>`,
    `  <desc id="description">${escape(description(panels))}</desc>`,
    `  <style>${style}</style>`,
    `  <rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...lines.map((line) => `  ${line}`),
    "</svg>",
    ""
  ].join("\n")
}
