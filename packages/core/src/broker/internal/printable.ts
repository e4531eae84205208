/** Makes a broker's text safe for terminals and log lines. */

/** Control characters for white space and line breaks. */
const breaks = /[\t\n\v\f\r\u0085\u2028\u2029]+/g

/**
 * Characters without a glyph, such as zero-width characters, bidirectional controls, byte order marks and tags. They
 * change how other characters look.
 */
const invisible = /\p{Cf}/gu

/** Other control characters, such as ESC and DEL, and halves of surrogate pairs. */
const unprintable = /[\p{Cc}\p{Cs}]/gu

const suspicious = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/**
 * Replaces characters that could forge a log line, control a terminal or change the order of the displayed text (ASVS
 * 16.4.1). Line breaks become a blank, invisible characters are removed, and all other such characters become U+FFFD.
 */
export const printable = (text: string): string =>
  suspicious.test(text) ? text.replace(breaks, " ").replace(invisible, "").replace(unprintable, "\ufffd") : text

/** The beginning of a text, without half a surrogate pair at its end. */
export const beginning = (text: string, length: number): string => text.slice(0, length).replace(/[\ud800-\udbff]$/, "")
