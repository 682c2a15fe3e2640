/**
 * Who works with the embedded server: daemons as rowbeat_daemon, migrations as rowbeat_owner, as production should.
 * The superuser, whose password lies beside the data, is for people, and for what is done here.
 */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import pg from 'pg'
import { connect, transaction } from './database.ts'

export interface RoleUrls {
  /** As rowbeat_daemon. */
  readonly daemon: string
  /** As rowbeat_owner; as the superuser where the schema still has things that are not rowbeat_owner's. */
  readonly migrate: string
}

/** Those of the migrations, which rowbeat_owner may not make. */
const ROLES = ['rowbeat_owner', 'rowbeat_daemon', 'rowbeat_operator', 'rowbeat_reader', 'rowbeat_producer']
const LOGINS = ['rowbeat_owner', 'rowbeat_daemon']
/** Two processes may start at once on one server; any number that nothing else uses. */
const ROLES_LOCK = 190_470_002

/**
 * Gives the roles of the embedded server what they need and returns their URLs. Changes nothing when all is as it
 * should be; brings over a data folder in which everything was the superuser's. Their passwords are made of the
 * superuser's, one way: nothing more is to be kept, and who has one of them does not have the other.
 *
 * `url` is the superuser's, of the database to work in.
 */
export async function prepareRoles(url: string): Promise<RoleUrls> {
  const { password } = new URL(url)
  const connections = connect({ url, max: 1, applicationName: 'rowbeat embedded' })
  try {
    const isOwners = await transaction(connections.pool, async (client) => {
      await client.query('select pg_advisory_xact_lock($1)', [ROLES_LOCK])
      await makeRoles(client, password)
      await grantCreate(client)
      return hasOnlyOwnersThings(client)
    })
    const as = (role: string): string => {
      const own = new URL(url)
      own.username = role
      own.password = passwordOf(password, role)
      return own.href
    }
    return { daemon: as('rowbeat_daemon'), migrate: isOwners ? as('rowbeat_owner') : url }
  } finally {
    await connections.close()
  }
}

async function makeRoles(client: pg.PoolClient, secret: string): Promise<void> {
  const { rows } = await client.query<{ name: string; login: boolean; verifier: string | null }>(
    'select rolname as name, rolcanlogin as login, rolpassword as verifier from pg_authid where rolname = any ($1)',
    [ROLES],
  )
  for (const name of ROLES) {
    const found = rows.find((row) => row.name === name)
    if (found === undefined) await client.query(`create role ${name} nologin`)
    if (!LOGINS.includes(name)) continue
    const verifier = verifierOf(passwordOf(secret, name))
    if (found?.login === true && found.verifier === verifier) continue
    await client.query(`alter role ${name} login password ${pg.escapeLiteral(verifier)}`)
  }
}

/** What the owner needs of a superuser: a schema of its own, and to see what other sessions do, for doctor(). */
async function grantCreate(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ creates: boolean; sees: boolean; database: string }>(
    `select has_database_privilege('rowbeat_owner', current_database(), 'create') as creates,
       pg_has_role('rowbeat_owner', 'pg_read_all_stats', 'usage') as sees, quote_ident(current_database()) as database`,
  )
  const [found] = rows
  if (found?.creates === false)
    await client.query(`grant create on database ${found.database} to rowbeat_owner`)
  if (found?.sees === false) await client.query('grant pg_read_all_stats to rowbeat_owner')
}

/** False when rowbeat_owner could not change all that is in the schema. */
async function hasOnlyOwnersThings(client: pg.PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ only: boolean }>(
    `select not exists (
       select from pg_namespace n where n.nspname = 'rowbeat' and n.nspowner <> 'rowbeat_owner'::regrole
       union all
       select from pg_class c
       where c.relnamespace = to_regnamespace('rowbeat') and c.relowner <> 'rowbeat_owner'::regrole
       union all
       select from pg_proc p
       where p.pronamespace = to_regnamespace('rowbeat') and p.proowner <> 'rowbeat_owner'::regrole
     ) as only`,
  )
  return rows[0]?.only === true
}

function passwordOf(secret: string, role: string): string {
  return createHmac('sha256', secret).update(role).digest('base64url')
}

/**
 * What Postgres keeps of a password (RFC 5802). Made here with a salt that is always the same, it can be compared with
 * what is kept, and the password is in no statement.
 */
function verifierOf(password: string): string {
  const rounds = 4096
  // Salts keep equal passwords apart and tables of common ones out; this password is random and nobody else's.
  const salt = createHash('sha256').update(password).digest().subarray(0, 16)
  const salted = pbkdf2Sync(password, salt, rounds, 32, 'sha256')
  const sign = (text: string): Buffer => createHmac('sha256', salted).update(text).digest()
  const stored = createHash('sha256').update(sign('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${rounds}:${salt.toString('base64')}$${stored}:${sign('Server Key').toString('base64')}`
}
