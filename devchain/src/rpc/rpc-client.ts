/** The chain answered, and said no. */
export class RpcRefusal extends Error {
  override readonly name = 'RpcRefusal'
  readonly code: number
  readonly data: unknown

  constructor(code: number, message: string, data: unknown) {
    super(message)
    this.code = code
    this.data = data
  }
}

interface Answer<T> {
  readonly result?: T
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

export async function callRpc<T>(
  rpcUrl: string,
  method: string,
  params: readonly unknown[],
  { timeoutMs = 10_000 }: { readonly timeoutMs?: number } = {},
): Promise<T> {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (!response.ok) throw new Error(`the chain at ${rpcUrl} answered ${response.status}`)
  const answer = (await response.json()) as Answer<T>
  if (answer.error !== undefined) throw new RpcRefusal(answer.error.code, answer.error.message, answer.error.data)
  return answer.result as T
}
