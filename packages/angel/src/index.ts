export * as AngelApi from "./AngelApi.ts"
export * as AngelAuth from "./AngelAuth.ts"
export * as AngelBroker from "./AngelBroker.ts"
export * as AngelPublisher from "./AngelPublisher.ts"
