/** Whether the text is longer than `limit` bytes in UTF-8. A UTF-16 unit has at most three bytes in UTF-8. */
export const exceeds = (text: string, limit: number): boolean =>
  text.length > limit || (text.length * 3 > limit && new TextEncoder().encode(text).byteLength > limit)
