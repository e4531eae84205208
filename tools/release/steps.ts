/** Runs the steps of a release rehearsal, and makes the table of their results. */

export interface Step {
  readonly title: string
  readonly seconds: number
  readonly problem: string | undefined
}

export interface Steps {
  /** Runs a step, and returns whether it succeeded. Throws {@link Ended} if the rehearsal was interrupted. */
  readonly step: (title: string, work: () => Promise<void> | void) => Promise<boolean>
  /** Runs a step that later steps need. Throws {@link Ended} if the step fails or the rehearsal was interrupted. */
  readonly need: (title: string, work: () => Promise<void> | void) => Promise<void>
  readonly done: () => ReadonlyArray<Step>
}

/** After this error, no further step may run. */
export class Ended extends Error {}

export const makeSteps = (print: (line: string) => void, interrupted: AbortSignal): Steps => {
  const done: Array<Step> = []
  const step: Steps["step"] = async (title, work) => {
    if (interrupted.aborted) throw new Ended("The rehearsal was interrupted.")
    print(`… ${title}`)
    const began = performance.now()
    let problem: string | undefined
    try {
      await work()
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
    const seconds = (performance.now() - began) / 1000
    done.push({ title, seconds, problem })
    print(problem === undefined ? `ok (${seconds.toFixed(1)} s)` : `FAILED (${seconds.toFixed(1)} s)\n${problem}`)
    return problem === undefined
  }
  return {
    step,
    need: async (title, work) => {
      if (!(await step(title, work))) throw new Ended(`The step "${title}" failed, so the steps after it were not run.`)
    },
    done: () => done
  }
}

export const tableOf = (steps: ReadonlyArray<Step>): string =>
  [
    ...steps.map(
      ({ problem, seconds, title }) =>
        `${problem === undefined ? "ok    " : "FAILED"} ${seconds.toFixed(1).padStart(6)} s  ${title}`
    ),
    `${steps.length} steps, ${steps.filter(({ problem }) => problem !== undefined).length} failed, ${steps
      .reduce((sum, { seconds }) => sum + seconds, 0)
      .toFixed(0)} s`
  ].join("\n")
