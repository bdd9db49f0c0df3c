// What an error of the database means to an application, by its SQLSTATE.

const refusals: Record<string, { status: number; reason: string }> = {
  '22004': { status: 400, reason: 'a value is missing' },
  '22023': { status: 400, reason: 'a value cannot be accepted' },
  '23514': { status: 400, reason: 'a count is negative' },
  '42501': { status: 403, reason: 'not allowed' },
  RW001: { status: 404, reason: 'unknown account' },
  RW002: { status: 409, reason: 'nobody refers themselves' },
  RW003: { status: 409, reason: 'a referral code was entered before' },
  RW004: { status: 409, reason: 'that would close a circle of referrals' },
  RW005: { status: 409, reason: 'users refer users and providers refer providers' },
  RW006: { status: 404, reason: 'unknown code' },
  RW007: { status: 402, reason: 'insufficient credits' },
  RW008: { status: 403, reason: 'the account is suspended' },
  RW011: { status: 429, reason: 'too many calls' },
};

export function codeOf(error: unknown): string {
  // an ORM wraps the driver's error
  const { code, cause } = error as { code?: string; cause?: unknown };
  return code ?? (cause === undefined ? '' : codeOf(cause));
}

/** Status and reason for an HTTP answer; undefined for what is nobody's mistake. */
export function refusal(error: unknown) {
  return refusals[codeOf(error)];
}

/** The request was recorded before: there is nothing left to do. */
export function isRepeat(error: unknown): boolean {
  return codeOf(error) === '23505';
}

/**
 * Runs a statement again that lost against another one, or whose connection broke.
 * Only for what can be repeated: a usage event with its request id can.
 */
export async function retrying<T>(run: () => Promise<T>, attempts = 5): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const code = codeOf(error);
      const passes = ['40001', '40P01', '55P03', '57P01'].includes(code) || /^(08|ECONN|EPIPE)/.test(code);
      if (!passes || attempt === attempts) throw error;
      await new Promise((done) => setTimeout(done, 20 * 2 ** attempt * Math.random()));
    }
  }
}
