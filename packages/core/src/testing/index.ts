export * as Canary from "./Canary.ts"
export * as Contract from "./Contract.ts"
export * as FakeBroker from "./FakeBroker.ts"
export * as TestHttp from "./TestHttp.ts"
