/** The answers of the brokers in the benches. */
import { loginPath, logoutPath } from "./angelLogin.ts"

const encode = (text: string) => Buffer.from(text).toString("base64url")

/** Has the form of Angel One's tokens, with a signature of 64 bytes. */
const token = (claims: Readonly<Record<string, unknown>>): string =>
  `${encode(`{"alg":"HS512"}`)}.${encode(JSON.stringify(claims))}.${"Zm9vYmFy".repeat(11).slice(0, 86)}`

const issued = { iat: 1_790_000_000, exp: 4_000_000_000 }

const access = token({ username: "A123456", roles: 0, usertype: "USER", token: "c2FtcGxl".repeat(36), ...issued })
const refresh = token({ token: "REFRESH-TOKEN", session: "cmVmcmVz".repeat(9), ...issued })

export const bodies: Readonly<Record<string, unknown>> = {
  [loginPath]: {
    status: true,
    message: "SUCCESS",
    errorcode: "",
    data: {
      jwtToken: access,
      refreshToken: refresh,
      feedToken: token({ username: "A123456", session: "ZmVlZGVk".repeat(4), ...issued })
    }
  },
  [logoutPath]: { status: true, message: "SUCCESS", errorcode: "", data: "" },
  // Source of the fields: the page "User" of the Kite Connect 3 documentation, as of 2026-11-27. The long URL of the
  // avatar makes the answer about as large as Angel One's.
  "/session/token": {
    status: "success",
    data: {
      user_type: "individual/res_no_nn",
      email: "bench@broker.test",
      user_name: "Bench",
      user_shortname: "Bench",
      broker: "ZERODHA",
      exchanges: ["NSE", "NFO", "BFO", "CDS", "BSE", "MCX", "BCD", "MF"],
      products: ["CNC", "NRML", "MIS", "BO", "CO"],
      order_types: ["MARKET", "LIMIT", "SL", "SL-M"],
      avatar_url: `https://broker.test/${"c2FtcGxl".repeat(70)}`,
      user_id: "B100000",
      api_key: "benchKey",
      access_token: "c2FtcGxl".repeat(4),
      public_token: "cHVibGlj".repeat(4),
      enctoken: "ZW5jdG9r".repeat(11),
      refresh_token: "",
      silo: "",
      login_time: "2026-11-27 09:14:00",
      meta: { demat_consent: "physical" }
    }
  },
  "/oauth/token": { access_token: access, refresh_token: refresh, token_type: "bearer", expires_in: 86_400 }
}
