/** Errors of the API (RFC 9457) as sentences: what happened, what was not done, what to do. */

export interface FieldProblem {
  field: string;
  detail: string;
}

export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: FieldProblem[] = [],
  ) {
    super(message);
    this.name = "ApiProblem";
  }

  /** The sentence for one field of a form, if this problem has one. */
  of(field: string): string | null {
    return this.fields.find((each) => each.field === field)?.detail ?? null;
  }
}

const SENTENCES: Record<number, string> = {
  400: "The server refused the request. Nothing was changed.",
  401: "The session has ended. Sign in again.",
  403: "Your role does not allow this. Nothing was changed.",
  404: "There is nothing at this address.",
  409: "The state has changed meanwhile. Nothing was done; look again and retry.",
  429: "Too many attempts. Wait a minute, then try again.",
  500: "The server failed on this request. Whether it was done is not known; look before you repeat it.",
  502: "The outcome is not known yet. It is being looked up; do not repeat it.",
  503: "A part that this needs is away. Nothing was done; try again shortly.",
};

function words(value: unknown): string {
  if (Array.isArray(value)) return value.map(words).filter(Boolean).join(" ");
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null) {
    const entry = value as Record<string, unknown>;
    return words(entry["detail"] ?? entry["message"] ?? entry["reason"] ?? "");
  }
  return "";
}

function fieldProblems(body: Record<string, unknown>): FieldProblem[] {
  const found: FieldProblem[] = [];
  const errors = body["errors"] ?? body["fields"];
  if (Array.isArray(errors)) {
    for (const each of errors as Record<string, unknown>[]) {
      const field = each["field"] ?? each["pointer"] ?? "";
      found.push({ field: String(field).replace(/^[#/]+/, ""), detail: words(each) });
    }
  } else if (typeof errors === "object" && errors !== null) {
    for (const [field, value] of Object.entries(errors)) found.push({ field, detail: words(value) });
  }
  if (typeof body["field"] === "string" && !found.some((each) => each.field === body["field"])) {
    found.push({ field: body["field"], detail: words(body["detail"]) });
  }
  return found;
}

/** The problem behind an answer that is not a success. */
export function problemOf(status: number, body: unknown): ApiProblem {
  const entry = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const fields = fieldProblems(entry);
  const said = words(entry["detail"]) || words(entry["title"]) || fields.map((each) => each.detail).join(" ");
  const fallback = SENTENCES[status] ?? `The server answered ${status}. Nothing more is known.`;
  return new ApiProblem(status, String(entry["code"] ?? `http_${status}`), said || fallback, fields);
}

/** "Trading was NOT stopped. …" for a refusal; without an answer nobody knows, and the sentence says so. */
export function failure(notDone: string, error: unknown): string {
  const unanswered = error instanceof ApiProblem && error.code === "unreachable";
  return unanswered ? sentence(error) : `${notDone} ${sentence(error)}`;
}

/** Whatever was thrown, as a problem. */
export function problemBehind(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem(0, "unknown", sentence(error));
}

/** The sentence of whatever was thrown. */
export function sentence(error: unknown): string {
  if (error instanceof ApiProblem) return error.message;
  if (error instanceof Error) return error.message;
  return "Something failed without saying why.";
}
