/** Checks that the pages and anchors of internal links exist in the built site. */
import * as fs from "node:fs"
import * as path from "node:path"
import { files } from "../packages/workspace.ts"

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export const deadLinks = (folder: string): ReadonlyArray<string> => {
  const pages = files(folder).filter((file) => file.endsWith(".html"))
  const texts = new Map(pages.map((page) => [page, fs.readFileSync(path.join(folder, page), "utf8")]))
  const ids = new Map(
    Array.from(texts, ([page, text]) => [page, new Set(Array.from(text.matchAll(/\sid="([^"]+)"/g), ([, id]) => id))])
  )
  const problemOf = (page: string, link: string): string | undefined => {
    const [address = "", fragment] = link.replaceAll("&amp;", "&").split("#")
    const place = decoded(address.replace(/\?.*$/s, ""))
    const anchor = fragment === undefined ? undefined : decoded(fragment)
    const target = path.posix
      .join("/", place.startsWith("/") ? place : path.posix.join(path.posix.dirname(page), place))
      .slice(1)
    const found =
      place === ""
        ? page
        : [target, `${target}.html`, path.posix.join(target, "index.html")].find((file) =>
            fs.statSync(path.join(folder, file), { throwIfNoEntry: false })?.isFile()
          )
    if (found === undefined) return `${page}: ${link} names no page`
    if (anchor === undefined || anchor === "" || !found.endsWith(".html")) return undefined
    return ids.get(found)?.has(anchor) ? undefined : `${page}: ${link} names no element of ${found}`
  }
  return Array.from(texts, ([page, text]) =>
    Array.from(new Set(Array.from(text.matchAll(/<a\s[^>]*?href="([^"]+)"/g), ([, link = ""]) => link)))
      .filter((link) => !/^[a-z]+:/i.test(link))
      .flatMap((link) => problemOf(page, link) ?? [])
  ).flat()
}
