// One request that was served: the columns an application fills in. The others of
// rewards.usage_logs are computed, so they are never named in an INSERT or COPY.

export interface UsageEvent {
  requestId: string;
  userId: string;
  providerId?: string | null;
  endpoint: string;
  model?: string | null;
  statusCode?: number;
  inputTokens?: number;
  outputTokens?: number;
  latencyMs?: number | null;
}

export const columns = [
  'request_id', 'user_id', 'provider_id', 'endpoint', 'model',
  'status_code', 'input_tokens', 'output_tokens', 'latency_ms',
] as const;

/** The event's values, in the order of `columns`. */
export function values(event: UsageEvent): (string | number | null)[] {
  return [
    event.requestId, event.userId, event.providerId ?? null, event.endpoint, event.model ?? null,
    event.statusCode ?? 200, event.inputTokens ?? 0, event.outputTokens ?? 0, event.latencyMs ?? null,
  ];
}
