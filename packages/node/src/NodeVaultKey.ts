/**
 * Sources of the vault's key on Node: the keyring of the operating system, a passphrase, or the configuration.
 *
 * | layer                   | the key is                                         | use it for                     |
 * | ----------------------- | -------------------------------------------------- | ------------------------------ |
 * | `layerKeyring`          | generated at the first use, stored in the keyring  | a desktop                      |
 * | `layerConfig`           | read from `BROKER_AUTH_KEY` in the configuration   | a server with injected secrets |
 * | `layerPassphraseConfig` | derived from `BROKER_AUTH_PASSPHRASE`              | a server with a passphrase     |
 * | `layerPassphrase`       | derived from a passphrase that your program passes | a command with a prompt        |
 * | `layerPlaintext`        | not used: everything is stored unencrypted         | tests                          |
 *
 * None of these layers falls back to another. `Connection.open` uses `layerDefault` unless you pass another key.
 * `layerDefault` uses `BROKER_AUTH_KEY` or, if that is not set, the keyring.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- makes the import fail on an unsupported Node
import "./internal/nodeVersion.ts"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as keyring from "./internal/keyring.ts"
import * as keyringKey from "./internal/keyringKey.ts"
import * as passphraseFile from "./internal/passphraseFile.ts"
import * as place from "./internal/place.ts"

export {
  /**
   * The key from the configuration: 64 hexadecimal digits, or 32 bytes in base64. The argument is the name of the value
   * in the configuration. Default: `BROKER_AUTH_KEY`.
   *
   * @category layers
   * @since 0.1.0
   */
  layerConfig,
  /**
   * No key. Everything is stored unencrypted, and any program with access to the files can read it.
   *
   * @category layers
   * @since 0.1.0
   */
  layerPlaintext
} from "@auth/broker-core/session/VaultKey"

/**
 * Options of the keyring entry that stores the key.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyringOptions {
  /** Name of the program in the keyring entry. Default: `"broker-auth"`. */
  readonly service?: string | undefined
  /** Name of the key in the keyring entry. Default: `"vault"`. */
  readonly account?: string | undefined
  /** Time-out for an answer from the keyring. Default: 3 seconds. Increase it if a person has to unlock the keyring. */
  readonly timeout?: Duration.Input | undefined
  /**
   * Folder of the vault. Programs that share the key must use the same folder. Default: the folder `broker-auth` in the
   * user's directory for application state.
   */
  readonly folder?: string | undefined
}

const readTimeout = (input: Duration.Input) =>
  Option.match(Option.filter(Duration.fromInput(input), Duration.isGreaterThan(Duration.zero)), {
    onNone: () =>
      Effect.fail(
        VaultError.make(
          "key",
          new VaultError.InvalidOption({
            option: "timeout",
            problem: 'must be positive, such as "3 seconds"'
          })
        )
      ),
    onSome: Effect.succeed
  })

/**
 * A random key in the keyring of the operating system, generated at the first use. The keyring is:
 *
 * - macOS: the Keychain.
 * - Windows: the Credential Manager.
 * - Linux: the Secret Service, which GNOME Keyring and KWallet provide.
 *
 * Needs the optional package `@napi-rs/keyring`. Fails with:
 *
 * - `KeyUnavailable` if the package is missing.
 * - `KeyUnavailable` if the keyring is missing, is locked, or does not answer in time.
 * - `InvalidOption` if `timeout` is not positive.
 * - `Io` if the folder cannot be used.
 *
 * @example
 * ```ts
 * import * as NodeVault from "@auth/node/NodeVault"
 * import * as NodeVaultKey from "@auth/node/NodeVaultKey"
 * import * as Layer from "effect/Layer"
 *
 * const Vault = NodeVault.layer().pipe(Layer.provide(NodeVaultKey.layerKeyring()))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerKeyring = (options: KeyringOptions = {}): Layer.Layer<VaultKey.VaultKey, VaultError.VaultError> =>
  Layer.effect(
    VaultKey.VaultKey,
    Effect.gen(function* () {
      const entry: keyring.Place = {
        service: options.service ?? "broker-auth",
        account: options.account ?? "vault",
        module: yield* keyring.findModule,
        timeout: yield* readTimeout(options.timeout ?? "3 seconds")
      }
      return yield* keyringKey.getOrCreate(entry, yield* place.resolve(options.folder))
    })
  )

const variable = "BROKER_AUTH_KEY"

const withCommand = (error: VaultError.VaultError): VaultError.VaultError => {
  const { reason } = error
  if (reason._tag !== "KeyUnavailable") return error
  return VaultError.make(
    error.operation,
    new VaultError.KeyUnavailable({
      why: reason.why,
      advice: `Set ${variable} to the output of: openssl rand -hex 32. Use the same value in every program. Without a key, nothing is stored.`
    })
  )
}

/**
 * The default key of `Connection.open`: the key in `BROKER_AUTH_KEY` or, if that is not set, the key in the keyring.
 * The key is never written to a file. Fails with `KeyUnavailable` if `BROKER_AUTH_KEY` is not set and the keyring is
 * not available.
 *
 * @example
 * ```ts
 * import * as NodeVault from "@auth/node/NodeVault"
 * import * as NodeVaultKey from "@auth/node/NodeVaultKey"
 * import * as Layer from "effect/Layer"
 *
 * const Vault = NodeVault.layer().pipe(Layer.provide(NodeVaultKey.layerDefault()))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerDefault = (
  options: Pick<KeyringOptions, "folder"> = {}
): Layer.Layer<VaultKey.VaultKey, VaultError.VaultError> =>
  Layer.unwrap(
    Effect.map(Effect.option(Config.Redacted(variable)), (given) =>
      Option.isSome(given)
        ? VaultKey.layerConfig(variable)
        : Layer.catch(layerKeyring({ folder: options.folder }), (error) =>
            Layer.effect(VaultKey.VaultKey, Effect.fail(withCommand(error)))
          )
    )
  )

/**
 * Options of a key that is derived from a passphrase.
 *
 * @category models
 * @since 0.1.0
 */
export interface PassphraseOptions {
  /** Folder of the vault. Default: the folder `broker-auth` in the user's directory for application state. */
  readonly folder?: string | undefined
}

/**
 * A key that is derived from a passphrase and a random salt. The salt is generated at the first use, and stored in
 * `passphrase.db` in the vault's folder. The key is derived with Argon2id (64 MiB of memory, 3 passes). If the salt was
 * generated on a Node older than 24.7, the key is derived with scrypt.
 *
 * Each machine has its own salt, so the same passphrase gives a different key on another machine. If several machines
 * share sessions, for example in Redis, use `layerConfig`.
 *
 * A line break at the end of the passphrase is ignored. With a wrong passphrase, reading a stored session fails with
 * `WrongKey`. The layer fails with:
 *
 * - `KeyUnavailable` if the passphrase is empty.
 * - `KeyUnavailable` if the salt was generated on Node 24.7 or newer, and this Node is older than 24.7.
 * - `KeyUnavailable` if the key cannot be derived, for example for lack of memory.
 * - `Tampered` if the salt was changed.
 * - `NewerVersion` if a newer version of this package wrote the salt.
 * - `Io` if the folder cannot be used.
 *
 * @example
 * ```ts
 * import * as NodeVault from "@auth/node/NodeVault"
 * import * as NodeVaultKey from "@auth/node/NodeVaultKey"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const typed = Redacted.make("correct horse battery staple")
 * const Vault = NodeVault.layer().pipe(Layer.provide(NodeVaultKey.layerPassphrase(typed)))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerPassphrase = (
  passphrase: Redacted.Redacted<string>,
  options: PassphraseOptions = {}
): Layer.Layer<VaultKey.VaultKey, VaultError.VaultError> =>
  Layer.effect(
    VaultKey.VaultKey,
    Effect.gen(function* () {
      const bytes = yield* passphraseFile.derive(passphrase, yield* place.resolve(options.folder))
      return yield* VaultKey.fromBytes(bytes, "a passphrase")
    })
  )

/**
 * A key that is derived from the passphrase in the configuration. `name` is the name of the value in the configuration.
 * Default: `BROKER_AUTH_PASSPHRASE`.
 *
 * Fails with the errors of `layerPassphrase`, and with `KeyUnavailable` if the value is missing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerPassphraseConfig = (
  name = "BROKER_AUTH_PASSPHRASE",
  options: PassphraseOptions = {}
): Layer.Layer<VaultKey.VaultKey, VaultError.VaultError> =>
  Layer.unwrap(
    Config.Redacted(name).pipe(
      Effect.mapError(() =>
        VaultError.make("key", new VaultError.KeyUnavailable({ why: `${name} is not set`, advice: `Set ${name}.` }))
      ),
      Effect.map((passphrase) => layerPassphrase(passphrase, options))
    )
  )
