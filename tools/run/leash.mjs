// Loaded before the server: when the launcher is killed outright (kill -9 of its group), the server ends with it instead of
// living on unseen and holding the port.
if (process.channel) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  process.channel.unref()
}
