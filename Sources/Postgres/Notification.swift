/// What a NOTIFY of some session told the channel's listeners.
package struct Notification: Hashable, Sendable {
    package var channel: String
    package var payload: String
    /// The server process of the session that notified.
    package var processID: Int32

    package init(channel: String, payload: String, processID: Int32) {
        self.channel = channel
        self.payload = payload
        self.processID = processID
    }
}
