import * as fs from "node:fs"
import * as path from "node:path"
import { clean, root } from "./workspace.ts"

clean()
fs.rmSync(path.join(root, ".nx"), { recursive: true, force: true })
