import Foundation
import Testing

@testable import Reporting

@Suite struct TensorBoardTests {
    /// RFC 3720 B.4 and the catalogue's check value.
    @Test func checksumsAreThoseOfTheStandard() {
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xe306_9283)
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(CRC32C.checksum([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(CRC32C.checksum([UInt8](0..<32)) == 0x46dd_794e)
    }

    /// The file that TensorBoard's own writer makes of the same events; `Fixtures/tensorboard-events.py` made it.
    @Test func bytesAreThoseOfTensorBoardsOwnWriter() throws {
        let time = 1_700_000_000.25
        var file = TensorBoardFile(wallTime: time)
        file.addSessionStart(
            [
                "learning_rate": .number(0.002), "dropout": .number(0), "hidden": .text("[64, 32]"), "layer_norm": .flag(false),
                "residual": .flag(true),
            ], group: "hidden: [64, 32]", wallTime: time)
        for (step, value) in [(1, 0.75), (2, 0.1), (300, 0.0), (301, -1e-20)] {
            file.addScalar("loss/training", value, step: step, wallTime: time + Double(step))
        }
        let values = (0..<500).map { (index: Int) -> Float in
            let number = (37 * index * index + 11 * index) % 257 - 128
            return Float(number) / 64
        }
        for (tag, sample) in [("weights/dense0", values), ("weights/equal", [Float](repeating: 0.5, count: 7))] {
            file.addHistogram(tag, TensorBoardHistogram(sample), step: 2, wallTime: time + 2)
        }
        file.addSessionEnd(.success, wallTime: time + 400)
        let golden = try Data(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/tensorboard-events.tfevents"))
        #expect(file.bytes.count == golden.count)
        let first = zip(file.bytes, golden).enumerated().first { $1.0 != $1.1 }?.offset
        #expect(first == nil, "the first byte that differs")
    }

    @Test func histogramsLeaveOutWhatIsNotFinite() {
        let histogram = TensorBoardHistogram([1, .nan, 3, .infinity, 2, -.infinity])
        #expect(histogram.notFiniteCount == 3)
        #expect(histogram.count == 3 && histogram.sum == 6 && histogram.least == 1 && histogram.largest == 3)
        #expect(histogram.counts.reduce(0, +) == 3)
        let empty = TensorBoardHistogram([.nan])
        #expect(empty.count == 0 && empty.limits.isEmpty)
    }

    @Test func filesAreFoundByTheirName() {
        #expect(TensorBoardFile.name(wallTime: 1_700_000_000.9) == "events.out.tfevents.1700000000.haggle")
    }
}
