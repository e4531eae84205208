/** Text of a broker, made safe for a terminal and a log line. */

/** Controls that only move on: blanks of all kinds, and the separators of lines. */
const breaks = /[\t\n\v\f\r\u0085\u2028\u2029]+/g

/** Characters without a glyph that change what the others look like: zero-width, bidirectional, byte order, tags. */
const invisible = /\p{Cf}/gu

/** The other controls, ESC and DEL among them, and halves of surrogate pairs. */
const unprintable = /[\p{Cc}\p{Cs}]/gu

const suspicious = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/**
 * Replaces every character with which text could forge a line of a log, steer a terminal or be displayed in another
 * order (ASVS 16.4.1): line breaks become a blank, invisible characters go, the rest becomes U+FFFD.
 */
export const printable = (text: string): string =>
  suspicious.test(text) ? text.replace(breaks, " ").replace(invisible, "").replace(unprintable, "\ufffd") : text

/** The beginning of a text, without half a surrogate pair at its end. */
export const beginning = (text: string, length: number): string => text.slice(0, length).replace(/[\ud800-\udbff]$/, "")
