/** The entrants of a run: candidates and twins. A twin runs its candidate with the library of another checkout. */
import * as fs from "node:fs"
import * as path from "node:path"
import { type Bench, type Checkout, type Entrant, ownLabel, type PlanName, planOf, root, type Turn } from "./harness.ts"

export const here: Checkout = { root, label: ownLabel }

export const toCheckout = (folder: string): Checkout => {
  const resolved = path.resolve(folder)
  return { root: resolved, label: path.basename(resolved) }
}

export const problemOf = ({ root }: Checkout): string | undefined => {
  if (!fs.existsSync(path.join(root, "tools/bench/candidate.ts"))) return `${root} is not a checkout with benches.`
  const link = path.join(root, "node_modules/@auth/broker-core")
  if (!fs.existsSync(link)) return `${root} has no installed packages: run npm install there.`
  const library = fs.realpathSync(link)
  return library === path.join(fs.realpathSync(root), "packages/core")
    ? undefined
    : `${link} is the library of another checkout: ${library}.`
}

export const benchFile = ({ root }: Checkout, bench: string): string =>
  path.join(root, "tools/bench/benches", `${bench}.ts`)

export const twinName = (candidate: string, { label }: Checkout): string => `${candidate}@${label}`

const isChosen = (only: ReadonlyArray<string>, ...names: ReadonlyArray<string>): boolean =>
  only.length === 0 || names.some((name) => only.includes(name))

/** Returns `theirs` with the counts of `ours`, or `undefined` if the turns do not match. */
export const pairTurns = (ours: ReadonlyArray<Turn>, theirs: ReadonlyArray<Turn>): ReadonlyArray<Turn> | undefined => {
  if (ours.length !== theirs.length) return undefined
  const pairs = theirs.map((turn, index) => [ours[index] ?? turn, turn] as const)
  return pairs.every(([own, turn]) => own.concurrency === turn.concurrency && own.accounts === turn.accounts)
    ? pairs.map(([own, turn]) => ({ ...turn, count: own.count }))
    : undefined
}

export interface Choice {
  readonly plan: PlanName
  /** If empty, all candidates are measured. */
  readonly only: ReadonlyArray<string>
}

/** `bench` is `undefined` if the other checkout does not have our bench. */
export interface Other {
  readonly checkout: Checkout
  readonly bench: Bench | undefined
}

export interface Entrants {
  readonly entrants: ReadonlyArray<Entrant>
  /**
   * Names of the chosen twins that cannot be measured. A twin cannot be measured if the other checkout does not have
   * the candidate, or if the turns of the two checkouts do not match.
   */
  readonly missing: ReadonlyArray<string>
}

/** If `Bench.programs` is set, the twin uses our bench file. The twin's programs use the other checkout's library. */
const twinOf = (name: string, bench: Bench, candidate: string, other: Other, plan: PlanName): Entrant | undefined => {
  const { checkout } = other
  const source = bench.programs === undefined ? { checkout, bench: other.bench } : { checkout: here, bench }
  const theirs = source.bench?.candidates[candidate]
  const turns = pairTurns(planOf(bench, plan).turns, source.bench === undefined ? [] : planOf(source.bench, plan).turns)
  if (theirs === undefined || turns === undefined) return undefined
  return {
    name: twinName(candidate, checkout),
    title: `${bench.candidates[candidate]?.title ?? candidate} @${checkout.label}`,
    script: path.join(source.checkout.root, "tools/bench/candidate.ts"),
    file: benchFile(source.checkout, name),
    candidate,
    nodeArgs: theirs.nodeArgs ?? [],
    checkout,
    turns,
    twin: undefined
  }
}

/** A twin can be chosen without its candidate. If both are chosen, the twin directly follows the candidate. */
export const entrantsOf = (name: string, bench: Bench, { only, plan }: Choice, other?: Other): Entrants => {
  const entrants: Array<Entrant> = []
  const missing: Array<string> = []
  for (const [candidate, { nodeArgs = [], ours, title }] of Object.entries(bench.candidates)) {
    const wanted =
      ours === true && other !== undefined && isChosen(only, candidate, twinName(candidate, other.checkout))
    const twin = wanted ? twinOf(name, bench, candidate, other, plan) : undefined
    if (wanted && twin === undefined) missing.push(twinName(candidate, other.checkout))
    if (isChosen(only, candidate)) {
      entrants.push({
        name: candidate,
        title,
        script: path.join(root, "tools/bench/candidate.ts"),
        file: benchFile(here, name),
        candidate,
        nodeArgs,
        checkout: here,
        turns: planOf(bench, plan).turns,
        twin: twin?.name
      })
    }
    if (twin !== undefined) entrants.push(twin)
  }
  return { entrants, missing }
}
