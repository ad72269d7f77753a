/// The content of one TensorBoard event file (`events.out.tfevents.*`), in memory: what `tensorboard --logdir` and tbparse read.
///
/// A file is a sequence of TFRecords - length, its masked CRC-32C, data, theirs - each holding an `Event` message (event.proto,
/// summary.proto and the plugin_data.proto of the hparams plugin, field numbers of TensorBoard 2).
package struct TensorBoardFile: Hashable, Sendable {
    /// The value of a hyper-parameter.
    package enum Value: Hashable, Sendable {
        case number(Double)
        case text(String)
        case flag(Bool)
    }

    /// How a session of the hparams plugin ended.
    package enum Ending: Int, Sendable {
        case success = 1
        case failure = 2
    }

    package private(set) var bytes: [UInt8] = []

    /// A file that begins as every event file does.
    /// - Parameter wallTime: seconds since the Unix epoch, as everywhere here.
    package init(wallTime: Double) {
        var event = Self.event(wallTime, step: 0)
        event.add(3, text: "brain.Event:2")
        append(event)
    }

    /// The name of the file in its run's folder; TensorBoard looks for `tfevents`.
    package static func name(wallTime: Double) -> String {
        let seconds = String(Int64(wallTime))
        return "events.out.tfevents." + String(repeating: "0", count: max(0, 10 - seconds.count)) + seconds + ".haggle"
    }

    package mutating func addScalar(_ tag: String, _ value: Double, step: Int, wallTime: Double) {
        var summary = ProtobufMessage()
        summary.add(1, text: tag)
        summary.add(2, float: Float(value))
        append(summary, step: step, wallTime)
    }

    package mutating func addHistogram(_ tag: String, _ histogram: TensorBoardHistogram, step: Int, wallTime: Double) {
        var summary = ProtobufMessage()
        summary.add(1, text: tag)
        summary.add(5, message: histogram.message)
        append(summary, step: step, wallTime)
    }

    /// The hyper-parameters of the run: it becomes a row of the HPARAMS tab, beside the scalars of its folder.
    /// - Parameter group: runs of one group are repetitions of one choice of hyper-parameters; empty makes each its own.
    package mutating func addSessionStart(_ hyperparameters: [String: Value], group: String = "", wallTime: Double) {
        var session = ProtobufMessage()
        // Sorted, so that equal sessions are equal bytes.
        for (name, value) in hyperparameters.sorted(by: { $0.key < $1.key }) {
            var entry = ProtobufMessage()
            entry.add(1, text: name)
            entry.add(2, message: Self.message(value))
            session.add(1, message: entry)
        }
        if !group.isEmpty { session.add(4, text: group) }
        session.add(5, double: wallTime)
        var data = ProtobufMessage()
        data.add(3, message: session)
        appendPlugin("_hparams_/session_start_info", data, wallTime)
    }

    package mutating func addSessionEnd(_ ending: Ending, wallTime: Double) {
        var session = ProtobufMessage()
        session.add(1, varint: ending.rawValue)
        session.add(2, double: wallTime)
        var data = ProtobufMessage()
        data.add(4, message: session)
        appendPlugin("_hparams_/session_end_info", data, wallTime)
    }

    /// `google.protobuf.Value`.
    private static func message(_ value: Value) -> ProtobufMessage {
        var message = ProtobufMessage()
        switch value {
        case .number(let number): message.add(2, double: number, isPresent: true)
        case .text(let text): message.add(3, text: text)
        case .flag(let flag): message.add(4, flag: flag)
        }
        return message
    }

    private mutating func appendPlugin(_ tag: String, _ data: ProtobufMessage, _ wallTime: Double) {
        var plugin = ProtobufMessage()
        plugin.add(1, text: "hparams")
        plugin.add(2, message: data)
        var metadata = ProtobufMessage()
        metadata.add(1, message: plugin)
        var value = ProtobufMessage()
        value.add(1, text: tag)
        value.add(9, message: metadata)
        append(value, step: 0, wallTime)
    }

    private mutating func append(_ value: ProtobufMessage, step: Int, _ wallTime: Double) {
        var summary = ProtobufMessage()
        summary.add(1, message: value)
        var event = Self.event(wallTime, step: step)
        event.add(5, message: summary)
        append(event)
    }

    private static func event(_ wallTime: Double, step: Int) -> ProtobufMessage {
        var event = ProtobufMessage()
        event.add(1, double: wallTime)
        event.add(2, varint: step)
        return event
    }

    /// One record.
    private mutating func append(_ event: ProtobufMessage) {
        let length = Self.littleEndian(UInt64(event.bytes.count))
        bytes += length
        bytes += Self.littleEndian(CRC32C.masked(length))
        bytes += event.bytes
        bytes += Self.littleEndian(CRC32C.masked(event.bytes))
    }

    private static func littleEndian<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
        (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Number(8 * $0)) }
    }
}
