const breaks = /[\t\n\v\f\r\u0085\u2028\u2029]+/g

/** Zero-width characters, byte order marks and characters that change the direction of text, for example. */
const invisible = /\p{Cf}/gu

/** Control characters, such as ESC and DEL, and unpaired surrogates. */
const unprintable = /[\p{Cc}\p{Cs}]/gu

const suspicious = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/**
 * Replaces or removes characters that could forge a log line, control a terminal or change the order of the displayed
 * text. See section 16.4.1 of OWASP ASVS 5.0.
 */
export const printable = (text: string): string =>
  suspicious.test(text) ? text.replace(breaks, " ").replace(invisible, "").replace(unprintable, "\ufffd") : text

/** Returns the first `length` UTF-16 units, without half of a surrogate pair at the end. */
export const beginning = (text: string, length: number): string => text.slice(0, length).replace(/[\ud800-\udbff]$/, "")
