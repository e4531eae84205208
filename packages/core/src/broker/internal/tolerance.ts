import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"

/** Repaired data, and the paths of the fields that were removed or changed. */
export interface Mended {
  readonly data: unknown
  readonly fields: ReadonlyArray<string>
}

interface Context {
  readonly essential: ReadonlyArray<string>
  readonly path: ReadonlyArray<string>
}

const fits = (ast: SchemaAST.AST): ((value: unknown) => boolean) => {
  const decode = Schema.decodeUnknownOption(Schema.make<Schema.Decoder<unknown>>(ast))
  return (value) => Option.isSome(decode(value))
}

const inside = ({ essential, path }: Context, name: string): Context => ({ essential, path: [...path, name] })

const unchanged = (data: unknown): Mended => ({ data, fields: [] })

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  Predicate.isObject(value) && !Array.isArray(value)

const isComposite = (ast: SchemaAST.AST) =>
  SchemaAST.isUnion(ast) || SchemaAST.isArrays(ast) || SchemaAST.isObjects(ast)

const mendNumber = (value: unknown, { path }: Context): Mended =>
  Predicate.isString(value) && /^\s*-?\d+(?:\.\d+)?\s*$/.test(value)
    ? { data: Number(value), fields: [path.join(".")] }
    : unchanged(value)

const mendFields = (ast: SchemaAST.Objects, value: Readonly<Record<string, unknown>>, context: Context): Mended => {
  const removed = new Set<string>()
  const replaced = new Map<string, unknown>()
  const fields: Array<string> = []
  for (const { name, type } of ast.propertySignatures) {
    if (!Predicate.isString(name) || !Object.hasOwn(value, name)) continue
    const child = mendNode(type, value[name], inside(context, name))
    if (fits(type)(child.data)) {
      replaced.set(name, child.data)
      fields.push(...child.fields)
      continue
    }
    // An essential or required field is kept, so that the decoder reports its wrong type.
    if (context.essential.includes(name) || !SchemaAST.isOptional(type)) continue
    removed.add(name)
    fields.push(inside(context, name).path.join("."))
  }
  if (fields.length === 0) return unchanged(value)
  const entries = Object.entries(value).filter(([name]) => !removed.has(name))
  return {
    data: Object.fromEntries(entries.map(([name, field]) => [name, replaced.has(name) ? replaced.get(name) : field])),
    fields
  }
}

/** Reports only the path of the list, because many items may be wrong. */
const mendItems = (type: SchemaAST.AST, value: ReadonlyArray<unknown>, context: Context): Mended => {
  const isItem = fits(type)
  const data: Array<unknown> = []
  let isMended = false
  for (const item of value) {
    if (isItem(item)) {
      data.push(item)
      continue
    }
    isMended = true
    const child = mendNode(type, item, context)
    if (isItem(child.data)) data.push(child.data)
  }
  return { data, fields: isMended ? [context.path.join(".")] : [] }
}

const mendMembers = (ast: SchemaAST.Union, value: unknown, context: Context): Mended => {
  for (const type of ast.types) {
    const member = mendNode(type, value, context)
    if (fits(type)(member.data)) return member
  }
  return unchanged(value)
}

const mendNode = (ast: SchemaAST.AST, value: unknown, context: Context): Mended => {
  if (SchemaAST.isNumber(ast)) return mendNumber(value, context)
  if (!isComposite(ast) || fits(ast)(value)) return unchanged(value)
  if (SchemaAST.isUnion(ast)) return mendMembers(ast, value, context)
  if (SchemaAST.isArrays(ast) && Array.isArray(value)) {
    const [type] = ast.rest
    return type === undefined ? unchanged(value) : mendItems(type, value, context)
  }
  return SchemaAST.isObjects(ast) && isRecord(value) ? mendFields(ast, value, context) : unchanged(value)
}

/**
 * Repairs data that could not be decoded. Removes optional fields of the wrong type, except the `essential` fields.
 * Removes items of the wrong type from lists. Converts a number in quotes if the schema requires a number.
 */
export const mend = (
  schema: Schema.Decoder<unknown>,
  essential: ReadonlyArray<string> | undefined,
  data: unknown
): Mended => (essential === undefined ? unchanged(data) : mendNode(schema.ast, data, { essential, path: [] }))
