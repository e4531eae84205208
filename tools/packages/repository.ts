/**
 * The address of the repository is set only in the root `package.json`. `npm run docs:tables` writes the address into
 * the manifests and READMEs of the packages. The links in these READMEs are absolute, because a package registry shows
 * a README without the other files of the repository.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { root } from "./workspace.ts"

const branch = "main"

export const webOf = (url: string): string => {
  const [, web] = /^git\+(https:\/\/[^\s/]+(?:\/[\w.~-]+)+?)\.git$/.exec(url) ?? []
  if (web === undefined) {
    throw new Error(
      `"${url}" cannot be the address of the repository. ` +
        'Set repository.url in package.json to an address such as "git+https://git.example/owner/name.git".'
    )
  }
  return web
}

const readRoot = (): { readonly repository: { readonly url: string } } =>
  JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as ReturnType<typeof readRoot>

export const url = readRoot().repository.url

/** Returns the manifest fields that contain the address. `folder` is a path such as `packages/angel`. */
export const fieldsOf = (folder: string) => ({
  repository: { type: "git", url, directory: folder },
  homepage: `${webOf(url)}/tree/${branch}/${folder}#readme`,
  bugs: { url: `${webOf(url)}/issues` }
})

const kindOf = (place: string): string => {
  if (/\.(?:png|svg)$/.test(place)) return "raw"
  return fs.statSync(path.join(root, place)).isDirectory() ? "tree" : "blob"
}

/**
 * Returns the path and the anchor of an absolute link to a file or a folder on the main branch. Returns `undefined` for
 * any other link. `from` is the address of the repository.
 */
export const pathOf = (link: string, from = url): string | undefined => {
  const web = webOf(from)
  if (!link.startsWith(`${web}/`)) return undefined
  return new RegExp(`^/(?:blob|raw|tree)/${branch}/(.+)$`).exec(link.slice(web.length))?.[1]
}

const code = /(^ *```[\s\S]*?^ *```|`[^`\n]+`)/gm

/**
 * Applies `map` to the targets of inline links, pictures and link definitions, and to the HTML attributes `href` and
 * `src`. Autolinks such as `<https://git.example>` and links in code remain unchanged.
 */
export const mapLinks = (text: string, map: (link: string) => string): string =>
  text
    .split(code)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part
            .replace(/(\]\(\s*<?)([^)\s>]+)/g, (_, before: string, link: string) => before + map(link))
            .replace(/^( {0,3}\[[^\]\n]+\]:\s*<?)([^\s>]+)/gm, (_, before: string, link: string) => before + map(link))
            .replace(
              /(<[a-z]+\s[^>]*?\b(?:href|src)=")([^"]+)/gi,
              (_, before: string, link: string) => before + map(link)
            )
    )
    .join("")

export const isRelative = (link: string): boolean => !/^(?:[a-z][a-z+.-]*:|#)/i.test(link)

export const relativeLinks = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  mapLinks(text, (link) => {
    if (isRelative(link)) found.push(link)
    return link
  })
  return found
}

/**
 * Makes each relative link to a file or a folder of the repository absolute. In absolute links to a file or a folder,
 * replaces the repository's old address `from` with the current address. Throws if the file or the folder does not
 * exist.
 */
export const absoluteLinks = (file: string, text: string, from: string): string =>
  mapLinks(text, (link) => {
    const [place = "", anchor] = link.split("#")
    const found = isRelative(link) ? path.posix.join(path.posix.dirname(file), place) : pathOf(place, from)
    if (found === undefined) return link
    if (found.startsWith("..") || !fs.existsSync(path.join(root, found))) {
      throw new Error(`${file}: the link ${link} leads to no file of the repository.`)
    }
    return `${webOf(url)}/${kindOf(found)}/${branch}/${found}${anchor === undefined ? "" : `#${anchor}`}`
  })
