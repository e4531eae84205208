export * as LoginPage from "./LoginPage.ts"
export * as Simulator from "./Simulator.ts"
export * as SimulatorClock from "./SimulatorClock.ts"
export * as SimulatorError from "./SimulatorError.ts"
