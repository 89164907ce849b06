/** Something the user can mend: a wrong argument, a server that is not there. Its message is all that is shown. */
export class Fault extends Error {
  override readonly name = 'Fault'
}
