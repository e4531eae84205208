export * as MotilalApi from "./MotilalApi.ts"
export * as MotilalAuth from "./MotilalAuth.ts"
export * as MotilalBroker from "./MotilalBroker.ts"
export * as MotilalPortal from "./MotilalPortal.ts"
