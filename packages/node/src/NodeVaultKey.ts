/**
 * Where the key of a vault comes from on Node: the operating system's keyring, a passphrase, or the configuration.
 *
 * | layer                   | the key is                                                  | for                                  |
 * | ----------------------- | ----------------------------------------------------------- | ------------------------------------ |
 * | `layerKeyring`          | made at the first use, and kept in the user's keyring       | a desktop                            |
 * | `layerConfig`           | in the configuration, `BROKER_AUTH_KEY`                     | a server that is given secrets       |
 * | `layerPassphraseConfig` | derived from `BROKER_AUTH_PASSPHRASE`                       | a server, a secret that people chose |
 * | `layerPassphrase`       | derived from a passphrase that you have, such as a typed one | a command                            |
 * | `layerPlaintext`        | none: everything is stored in clear                         | tests                                |
 *
 * None falls back to another: without the key there is a `KeyUnavailable` that says what to do.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line import/no-unassigned-import -- on a Node that is too old it ends the import
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
   * The key from the configuration, `BROKER_AUTH_KEY` unless another name is given: 64 hexadecimal digits, or base64 of
   * 32 bytes.
   *
   * @category layers
   * @since 0.1.0
   */
  layerConfig,
  /**
   * No key: everything is stored in clear, for whoever can read the place.
   *
   * @category layers
   * @since 0.1.0
   */
  layerPlaintext
} from "@auth/broker-core/session/VaultKey"

/**
 * Which entry of the keyring has the key.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyringOptions {
  /** The name of the program that the keyring shows. `"broker-auth"` unless given. */
  readonly service?: string | undefined
  /** The name of the key. `"vault"` unless given. */
  readonly account?: string | undefined
  /** How long the keyring may take to answer. 3 seconds unless given; more where a person is asked to unlock it. */
  readonly timeout?: Duration.Input | undefined
  /** Where programs wait for each other to make the key. The user's own folder for state unless given. */
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
            problem: 'must be longer than nothing, such as "3 seconds"'
          })
        )
      ),
    onSome: Effect.succeed
  })

/**
 * A random key in the keyring of the operating system: macOS Keychain, Windows Credential Manager, or on Linux the Secret
 * Service of GNOME Keyring and KWallet. It is made at the first use; programs that start at once get the same.
 *
 * Needs the optional package `@napi-rs/keyring`. Fails with `KeyUnavailable` if that is missing, if there is no keyring,
 * or if it does not answer in time: a keyring that hangs holds up neither the program nor its exit.
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

/**
 * Where the salt of a passphrase is kept.
 *
 * @category models
 * @since 0.1.0
 */
export interface PassphraseOptions {
  /** The folder of the vault. The user's own folder for state unless given. */
  readonly folder?: string | undefined
}

/**
 * A key that is derived from a passphrase: by Argon2id with 64 MiB and 3 passes, or by scrypt where Node is older than
 * 24.7. The salt is made at the first use and kept beside the vault, in `passphrase.db`.
 *
 * One line break at its end is not part of it. Another passphrase gives another key, and a session that is stored is then a `WrongKey`. Fails with `KeyUnavailable` if
 * the passphrase is empty, with `Tampered` if the salt was changed, and with `Io` if the folder cannot be used.
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
 * A key that is derived from the passphrase in the configuration, `BROKER_AUTH_PASSPHRASE` unless another name is given.
 *
 * Fails as `layerPassphrase` does, and with `KeyUnavailable` if the configuration has no such value.
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
