/** Where the salt of a passphrase is. */
import * as Path from "node:path"

/** The file in a vault's folder. */
export const pathOf = (vault: string): string => Path.join(vault, "passphrase.db")
