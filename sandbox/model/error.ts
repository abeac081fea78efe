/** A refusal in AWS's words; the wire gives it the form of its protocol. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  readonly fault: "client" | "server";

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = "AwsError";
    this.code = code;
    this.status = status;
    this.fault = status >= 500 ? "server" : "client";
  }
}

export const invalidParameter = (message: string) => new AwsError("InvalidParameterException", message);
export const clientException = (message: string) => new AwsError("ClientException", message);
export const validationError = (message: string) => new AwsError("ValidationError", message);

/** The sandbox knows the action's service but has no model of the action. */
export function notImplemented(service: string, action: string): AwsError {
  return new AwsError(
    "NotImplemented",
    `${service}:${action} is not implemented by the sandbox; docs/sandbox.md lists the actions that are.`,
    501,
  );
}
