// The database that the PG... variables name, as an application's role, as the
// administrator who made it ready, and as a middle tier of members.

import { Pool } from 'pg';

export const admin = new Pool({ max: 2 });
export const app = new Pool({ user: 'example_app', max: 8 });
export const members = new Pool({ user: 'example_members', max: 2 });

export async function end() {
  await Promise.all([admin.end(), app.end(), members.end()]);
}

/** A column of a single row, as the administrator. */
export async function ask<T = string>(text: string, ...parameters: unknown[]): Promise<T> {
  const { rows } = await admin.query({ text, values: parameters, rowMode: 'array' });
  return rows[0]?.[0] as T;
}
