export * as Connection from "./Connection.ts"
export * as NodeSessionLock from "./NodeSessionLock.ts"
export * as NodeVault from "./NodeVault.ts"
export * as NodeVaultKey from "./NodeVaultKey.ts"
