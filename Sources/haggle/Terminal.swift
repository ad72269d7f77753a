import Foundation
import Synchronization

/// Where text goes: results to standard output, everything else to standard error.
struct Terminal: Sendable {
    private let descriptor: Int32

    static let standardOutput = Terminal(descriptor: 1)
    static let standardError = Terminal(descriptor: 2)

    /// Whether a person is looking.
    var isInteractive: Bool { isatty(descriptor) == 1 }

    /// Writes all bytes, or throws: results must not get lost in silence.
    func write(bytes: [UInt8]) throws {
        try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: Data(bytes))
    }

    func write(_ text: String) { try? FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: Data(text.utf8)) }
}

/// Prints a line of results.
func writeResult(_ text: String) { Terminal.standardOutput.write(text.hasSuffix("\n") ? text : text + "\n") }

/// Prints a line for the person who waits.
func note(_ text: String) { Terminal.standardError.write(text.hasSuffix("\n") ? text : text + "\n") }

/// A progress bar on a terminal once two seconds have passed; a plain line now and then in a pipe.
final class Progress: Sendable {
    private struct State {
        var lastShown: ContinuousClock.Instant
        var isShown = false
    }

    private let title: String
    /// Nil where nobody knows how much there is.
    private let total: Int?
    private let started = ContinuousClock.now
    private let state = Mutex(State(lastShown: .now))
    private let terminal = Terminal.standardError

    init(_ title: String, total: Int?) {
        self.title = title
        self.total = total.map { max(1, $0) }
    }

    /// Shows how far the work is, at most ten times a second on a terminal and every five seconds in a pipe.
    func report(_ done: Int) {
        let now = ContinuousClock.now
        let isDue = state.withLock { state in
            let pause: Duration = terminal.isInteractive ? .milliseconds(100) : .seconds(5)
            guard now - started > .seconds(2), now - state.lastShown >= pause else { return false }
            state.lastShown = now
            state.isShown = true
            return true
        }
        guard isDue else { return }
        guard let total else {
            terminal.write(terminal.isInteractive ? "\r\(title): \(done)" : "\(title): \(done)\n")
            return
        }
        let share = min(1, Double(done) / Double(total))
        if terminal.isInteractive {
            let filled = Int(share * 30)
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
            terminal.write("\r\(title) \(bar) \(done)/\(total)")
        } else {
            terminal.write("\(title): \(done)/\(total)\n")
        }
    }

    /// Removes the bar.
    func finish() {
        if terminal.isInteractive, state.withLock({ $0.isShown }) { terminal.write("\r\u{1B}[K") }
    }
}
