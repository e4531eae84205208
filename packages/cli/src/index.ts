export * as ExitCode from "./ExitCode.ts"
