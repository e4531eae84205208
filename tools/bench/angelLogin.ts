/** Parts of a login at Angel One that several benches use. */

export const apiKey = "benchKey"
export const pin = "4711"
export const code = "123456"

const headers = {
  "content-type": "application/json",
  accept: "application/json",
  "x-usertype": "USER",
  "x-sourceid": "WEB",
  "x-clientlocalip": "127.0.0.1",
  "x-clientpublicip": "0.0.0.0",
  "x-macaddress": "00:00:00:00:00:00",
  "x-privatekey": apiKey
}

export const loginPath = "/rest/auth/angelbroking/user/v1/loginByPassword"
export const logoutPath = "/rest/secure/angelbroking/user/v1/logout"

export const addressAt = (origin: string): string => `${origin}${loginPath}`

export const requestOf = (clientCode: string) => ({
  method: "POST" as const,
  headers,
  body: JSON.stringify({ clientcode: clientCode, password: pin, totp: code })
})

export interface Answer {
  readonly status?: unknown
  readonly data?: { readonly jwtToken?: unknown }
}

export const check = (answer: unknown): void => {
  const { data, status } = answer as Answer
  if (status !== true || typeof data?.jwtToken !== "string") throw new Error("The login did not succeed.")
}
