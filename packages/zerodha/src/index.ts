export * as ZerodhaApi from "./ZerodhaApi.ts"
export * as ZerodhaAuth from "./ZerodhaAuth.ts"
export * as ZerodhaBroker from "./ZerodhaBroker.ts"
export * as ZerodhaPlatform from "./ZerodhaPlatform.ts"
