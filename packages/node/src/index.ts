export * as NodeSessionLock from "./NodeSessionLock.ts"
export * as NodeVault from "./NodeVault.ts"
export * as NodeVaultKey from "./NodeVaultKey.ts"
export * as RedirectListener from "./RedirectListener.ts"
