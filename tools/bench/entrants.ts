/** The candidates of a run, and their twins: the same candidates with the library of another checkout. */
import * as fs from "node:fs"
import * as path from "node:path"
import { type Bench, type Checkout, type Entrant, ownLabel, root, type Turn } from "./harness.ts"

export const here: Checkout = { root, label: ownLabel }

export const toCheckout = (folder: string): Checkout => {
  const resolved = path.resolve(folder)
  return { root: resolved, label: path.basename(resolved) }
}

/** The folder's `node_modules/@auth` may be links to another checkout, which would be measured instead. */
export const problemOf = ({ root }: Checkout): string | undefined => {
  if (!fs.existsSync(path.join(root, "tools/bench/candidate.ts"))) return `${root} is no checkout with benches.`
  const link = path.join(root, "node_modules/@auth/broker-core")
  if (!fs.existsSync(link)) return `${root} has no installed packages: run npm ci there.`
  const library = fs.realpathSync(link)
  return library === path.join(fs.realpathSync(root), "packages/core")
    ? undefined
    : `${link} is the library of another checkout: ${library}.`
}

export const benchFile = ({ root }: Checkout, bench: string): string =>
  path.join(root, "tools/bench/benches", `${bench}.ts`)

export const twinName = (candidate: string, { label }: Checkout): string => `${candidate}@${label}`

/** Whether `--only` selects a candidate, or its twin. A candidate's name selects both. */
const isChosen = (only: ReadonlyArray<string>, ...names: ReadonlyArray<string>): boolean =>
  only.length === 0 || names.some((name) => only.includes(name))

/**
 * The other checkout's turns, in its words, with the counts of ours. `undefined` if they do not correspond: their
 * figures could not be compared.
 */
export const pairTurns = (ours: ReadonlyArray<Turn>, theirs: ReadonlyArray<Turn>): ReadonlyArray<Turn> | undefined => {
  if (ours.length !== theirs.length) return undefined
  const pairs = theirs.map((turn, index) => [ours[index] ?? turn, turn] as const)
  return pairs.every(([own, turn]) => own.concurrency === turn.concurrency && own.accounts === turn.accounts)
    ? pairs.map(([own, turn]) => ({ ...turn, count: own.count }))
    : undefined
}

export interface Choice {
  readonly quick: boolean
  /** Names of candidates and twins; all if empty. */
  readonly only: ReadonlyArray<string>
}

/** Another checkout, and its bench of the same name, if it has one. */
export interface Other {
  readonly checkout: Checkout
  readonly bench: Bench | undefined
}

export interface Entrants {
  readonly entrants: ReadonlyArray<Entrant>
  /** Twins that the other checkout cannot provide. */
  readonly missing: ReadonlyArray<string>
}

/** The twin of one candidate, as the other checkout defines it. A bench of programs measures any checkout itself. */
const twinOf = (
  name: string,
  bench: Bench,
  candidate: string,
  other: Other,
  plan: "quick" | "full"
): Entrant | undefined => {
  const { checkout } = other
  const source = bench.programs === undefined ? { checkout, bench: other.bench } : { checkout: here, bench }
  const theirs = source.bench?.candidates[candidate]
  const turns = pairTurns(bench.plans[plan].turns, source.bench?.plans[plan].turns ?? [])
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

/** The chosen candidates of the bench `name`, each followed by its twin. */
export const entrantsOf = (name: string, bench: Bench, { only, quick }: Choice, other?: Other): Entrants => {
  const plan = quick ? "quick" : "full"
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
        turns: bench.plans[plan].turns,
        twin: twin?.name
      })
    }
    if (twin !== undefined) entrants.push(twin)
  }
  return { entrants, missing }
}
