/** An end that is no success, for whoever reads the log. */
export class Refusal extends Error {
  /** What to do next. */
  readonly fix: string | undefined;
  /** Whether the same may succeed a little later. */
  readonly passing: boolean;

  constructor(
    message: string,
    { fix, passing = false }: { fix?: string | undefined; passing?: boolean } = {},
  ) {
    super(message);
    this.name = "Refusal";
    this.fix = fix;
    this.passing = passing;
  }
}
