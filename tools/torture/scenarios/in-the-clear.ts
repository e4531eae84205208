/** Searches all stored data for tokens and credentials, in common encodings. */
import { createClient, RESP_TYPES } from "redis"
import * as fs from "node:fs"
import * as path from "node:path"
import { oneOf, openIn, type Scenario, type Setup, type Torture } from "../harness.ts"

/** In characters. The scenario searches for pieces of a secret, because a database can split a token over two pages. */
const pieceLength = 20

/** In characters. The encoded forms of a shorter secret are not searched for: they can occur in any file by chance. */
const shortest = 8

interface Needle {
  readonly form: string
  readonly isIn: (bytes: Buffer, text: string) => boolean
}

const includes = (form: string, piece: string, encoding: BufferEncoding = "latin1"): Needle => {
  const sought = Buffer.from(piece, encoding)
  return { form, isIn: (bytes) => bytes.includes(sought) }
}

/**
 * Base64 encodes groups of three bytes. The piece can begin at any byte of a group, so it has three possible texts. The
 * incomplete groups at both ends are left out.
 */
const base64Pieces = (piece: string): ReadonlyArray<string> =>
  [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(piece)])
    return bytes.toString("base64").slice(before === 0 ? 0 : 4, Math.floor(bytes.length / 3) * 4)
  })

const needlesFor = (piece: string): ReadonlyArray<Needle> => {
  const hex = Buffer.from(piece).toString("hex")
  return [
    includes("plain", piece),
    includes("reversed", Buffer.from(piece).toReversed().toString()),
    includes("UTF-16", piece, "utf16le"),
    includes("hexadecimal", hex),
    includes("hexadecimal", hex.toUpperCase()),
    ...base64Pieces(piece).map((text) => includes("base64", text)),
    ...base64Pieces(piece).map((text) => includes("base64url", text.replaceAll("+", "-").replaceAll("/", "_")))
  ]
}

/** Only whole words match, because the digits of a time can match a PIN by chance. */
const shortNeedle = (secret: string): Needle => {
  const pattern = new RegExp(`(?<![0-9A-Za-z])${secret}(?![0-9A-Za-z])`)
  return { form: "plain", isIn: (_, text) => pattern.test(text) }
}

const piecesOf = (secret: string): ReadonlyArray<string> => {
  const count = Math.max(1, Math.floor(secret.length / pieceLength))
  return Array.from({ length: count }, (_, index) => secret.slice(index * pieceLength, (index + 1) * pieceLength))
}

const needlesOf = (secrets: ReadonlyArray<string>): ReadonlyArray<Needle> =>
  secrets.flatMap((secret) => (secret.length < shortest ? [shortNeedle(secret)] : piecesOf(secret).flatMap(needlesFor)))

interface Stored {
  readonly where: string
  readonly bytes: Buffer
}

const filesIn = (folder: string): ReadonlyArray<Stored> =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = path.join(entry.parentPath, entry.name)
      // The name of the file is also stored data.
      return { where: entry.name, bytes: Buffer.concat([Buffer.from(file), fs.readFileSync(file)]) }
    })

const valuesIn = async (url: string): Promise<ReadonlyArray<Stored>> => {
  const client = createClient({ url })
  client.on("error", () => undefined)
  await client.connect()
  const raw = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
  const stored: Array<Stored> = []
  for (const key of await client.keys("*")) {
    const isStream = (await client.type(key)) === "stream"
    const text = isStream ? Buffer.from(JSON.stringify(await client.xRange(key, "-", "+"))) : await raw.get(key)
    for (const value of [text, await raw.dump(key)]) {
      stored.push({ where: "a value", bytes: Buffer.concat([Buffer.from(key), value ?? Buffer.alloc(0)]) })
    }
  }
  await client.sendCommand(["SAVE"])
  client.destroy()
  return stored
}

const storedIn = async ({ place }: Setup, folderOfRedis: string): Promise<ReadonlyArray<Stored>> => {
  if (place.kind === "sqlite") return filesIn(place.folder)
  // The folder is read again after `valuesIn`, because `valuesIn` makes Redis write a snapshot to the folder.
  const log = filesIn(folderOfRedis)
  const values = await valuesIn(place.url)
  return [...log, ...values, ...filesIn(folderOfRedis)]
}

const setupsOf = async (torture: Torture) => {
  const server = await torture.redis("everything")
  const setups = await torture.setups({ redis: server.url })
  return { setups, folder: server.folder }
}

export const scenario: Scenario = {
  summary: "all stored data is searched for tokens and credentials",
  breaks: "the vault stores data without encryption",
  seconds: { quick: 30, full: 60 },
  run: async (torture) => {
    const program = await oneOf(torture.programs(1))
    const { folder, setups } = await setupsOf(torture)
    await torture.each(setups, async (setup, tally) => {
      const { broker, name } = setup
      await openIn([program], setup, torture.broken ? "key-in-clear" : undefined)
      await program.tell({ do: "session", name })
      // The second session overwrites the first session.
      await broker.advance(1100)
      await broker.advanceToCutOff()
      await program.tell({ do: "clock", name, ahead: broker.ahead() })
      await program.tell({ do: "session", name })
      const needles = needlesOf(broker.secrets())
      const stored = await storedIn(setup, folder)
      const found = stored.flatMap(({ bytes, where }) => {
        const text = bytes.toString("latin1")
        return needles.filter(({ isIn }) => isIn(bytes, text)).map(({ form }) => `${form} in ${where}`)
      })
      tally.atLeast(
        "bytes searched",
        stored.reduce((sum, { bytes }) => sum + bytes.length, 0),
        1000
      )
      tally.atLeast("secrets that were searched for", broker.secrets().length, 5)
      tally.equal(`pieces of secrets found${found[0] === undefined ? "" : `, such as: ${found[0]}`}`, found.length, 0)
    })
  }
}
