import type * as OpenApi from "@auth/broker-core/broker/OpenApi"

/** The simulator's address for each origin of the real broker. */
type Origins = Readonly<Record<string, string>>

const isSimulated = ({ url }: OpenApi.Json, origins: Origins): boolean => origins[String(url)] !== undefined

/** Lists the simulator's addresses first, because a client generated from the document calls the first address. */
const withSimulator = (servers: ReadonlyArray<OpenApi.Json>, origins: Origins): ReadonlyArray<OpenApi.Json> => [
  ...servers
    .filter((server) => isSimulated(server, origins))
    .map(({ description, url }) => ({ url: origins[String(url)], description: `simulator, ${String(description)}` })),
  ...servers
]

const mapValues = (record: OpenApi.Json, change: (value: OpenApi.Json) => OpenApi.Json): Record<string, OpenApi.Json> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value as OpenApi.Json)]))

export const served = (document: OpenApi.Document, origins: Origins): OpenApi.Document => ({
  ...document,
  servers: withSimulator(document.servers, origins),
  paths: mapValues(document.paths, (path) =>
    mapValues(path, (operation) => {
      const servers = operation["servers"] as ReadonlyArray<OpenApi.Json> | undefined
      return servers === undefined ? operation : { ...operation, servers: withSimulator(servers, origins) }
    })
  )
})
