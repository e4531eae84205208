export * as RupeezyApi from "./RupeezyApi.ts"
export * as RupeezyAuth from "./RupeezyAuth.ts"
export * as RupeezyBroker from "./RupeezyBroker.ts"
export * as RupeezyPartner from "./RupeezyPartner.ts"
