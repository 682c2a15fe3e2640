/** Reads a TypeScript source for what the guard of the doors wants to know. */
import { parseAst } from 'vitest/node'

export interface Import {
  /** As written, for instance `./jobs.ts`, `pg` or `node:fs`. */
  readonly from: string
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean
  /** Names imported; `*` for all. */
  readonly names: readonly string[]
}

export interface Syntax {
  readonly imports: readonly Import[]
  /** Dotted names as they are used, for instance `process.env.HOME` or `Date.now`. */
  readonly members: readonly string[]
  /** Bare functions that are called, for instance `fetch`. */
  readonly calls: readonly string[]
  /** True when `new Date()` or `Date()` reads the clock. */
  readonly readsDate: boolean
  readonly usesAny: boolean
  /** Tags of tagged templates, for instance `sql`. */
  readonly tags: readonly string[]
  /** Text of string and template literals; a hole of a template reads as `?`. */
  readonly texts: readonly string[]
}

interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

/** Parses a source; throws with the place when it is not TypeScript. */
export function readSyntax(text: string): Syntax {
  const imports: Import[] = []
  const members: string[] = []
  const calls: string[] = []
  const tags: string[] = []
  const texts: string[] = []
  let readsDate = false
  let usesAny = false

  const visitors: Record<string, (node: Node) => void> = {
    ImportDeclaration: (node) => imports.push(importOf(node)),
    ExportAllDeclaration: (node) => imports.push(importOf(node)),
    ExportNamedDeclaration: (node) => {
      if (isNode(node.source)) imports.push(importOf(node))
    },
    ImportExpression: (node) => imports.push(loadOf(node, false)),
    TSImportType: (node) => imports.push(loadOf(node, true)),
    MemberExpression: (node) => members.push(dotted(node)),
    VariableDeclarator: (node) => members.push(...unpacked(node)),
    CallExpression: (node) => {
      const name = dotted(node.callee)
      calls.push(name)
      if (name === 'Date') readsDate = true
    },
    NewExpression: (node) => {
      if (dotted(node.callee) === 'Date' && childrenOf(node.arguments).length === 0) readsDate = true
    },
    TSAnyKeyword: () => {
      usesAny = true
    },
    TaggedTemplateExpression: (node) => tags.push(dotted(node.tag)),
    TemplateLiteral: (node) => texts.push(childrenOf(node.quasis).map(rawText).join('?')),
    Literal: (node) => {
      if (typeof node.value === 'string') texts.push(node.value)
    },
  }

  const walk = (node: Node): void => {
    visitors[node.type]?.(node)
    for (const value of Object.values(node)) for (const child of childrenOf(value)) walk(child)
  }
  walk(parseAst(text, { lang: 'ts' }) as unknown as Node)
  return { imports, members, calls, readsDate, usesAny, tags, texts }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

function childrenOf(value: unknown): readonly Node[] {
  return (Array.isArray(value) ? value : [value]).filter(isNode)
}

function importOf(node: Node): Import {
  const specifiers = childrenOf(node.specifiers)
  return {
    from: isNode(node.source) ? String(node.source.value) : '',
    typeOnly: node.importKind === 'type' || node.exportKind === 'type',
    names: specifiers.length === 0 ? ['*'] : specifiers.map(importedName),
  }
}

function importedName(specifier: Node): string {
  const imported = specifier.imported ?? specifier.local
  return specifier.type === 'ImportSpecifier' && isNode(imported)
    ? String(imported.name ?? imported.value)
    : '*'
}

function loadOf(node: Node, typeOnly: boolean): Import {
  const source = isNode(node.source) ? node.source : node.argument
  // A module whose name is computed could be any: it is nobody's door.
  return {
    from: isNode(source) ? String(source.value ?? '(computed)') : '(computed)',
    typeOnly,
    names: ['*'],
  }
}

/** `a.b.c` for a chain of names; `?` stands for anything else in it. */
function dotted(value: unknown): string {
  if (!isNode(value)) return '?'
  if (value.type === 'Identifier') return String(value.name)
  if (value.type === 'ChainExpression' || value.type === 'TSNonNullExpression')
    return dotted(value.expression)
  if (value.type !== 'MemberExpression') return '?'
  const { property } = value
  const key =
    isNode(property) && value.computed === true ? property.value : isNode(property) ? property.name : '?'
  return `${dotted(value.object)}.${String(key ?? '?')}`
}

/** `const { env } = process` uses `process.env`. */
function unpacked(node: Node): readonly string[] {
  if (!isNode(node.id) || node.id.type !== 'ObjectPattern' || !isNode(node.init)) return []
  const from = dotted(node.init)
  return childrenOf(node.id.properties).map((property) => `${from}.${dotted(property.key)}`)
}

function rawText(quasi: Node): string {
  const value = quasi.value as { cooked?: string; raw?: string } | null
  return value?.cooked ?? value?.raw ?? ''
}
