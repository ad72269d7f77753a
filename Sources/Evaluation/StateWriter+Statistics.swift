import HaggleMath

extension StateWriter {
    mutating func write(_ sum: CompensatedSum) {
        write(sum.parts.total)
        write(sum.parts.compensation)
    }

    mutating func write(_ four: SIMD4<Double>) { for index in 0..<4 { write(four[index]) } }

    mutating func write(_ moments: CoMoments) {
        write(moments.rowCount)
        write(moments.means)
        write(moments.lowerProducts)
    }

    mutating func write(_ units: UnitSums) {
        write(units.rowCount)
        write(units.isCollapsed)
        write(units.units) { $0.write($1) }
        write(units.sums)
    }

    mutating func write<Value>(_ table: CoarseningTable<Value>, _ body: (inout Self, Value) -> Void) {
        write(table.level)
        write(table.keys) { $0.write($1) }
        for value in table.values { body(&self, value) }
    }

    mutating func write(_ weights: WeightStatistics) {
        for sum in [
            weights.sum, weights.sumOfSquares, weights.rewardedSum, weights.rewardedSumOfSquares, weights.rareMass, weights.impossibleMass,
        ] { write(sum) }
        for count in [weights.rewardedRowCount, weights.checkableRowCount, weights.targetRowCount, weights.heaviest.arm] { write(count) }
        write(weights.heaviest.weight)
        write(weights.heaviest.propensity)
        write(weights.tail.descending)
        write(weights.sketch.bins) { writer, bin in
            writer.write(bin.count)
            writer.write(bin.sum)
            writer.write(bin.smallest)
        }
        for arm in weights.arms { for sum in [arm.target, arm.impossible, arm.weight, arm.weightSquares] { write(sum) } }
    }

    mutating func write(_ distribution: WeightDistribution) {
        write(distribution.cells) { writer, cell in
            writer.write(cell.count)
            writer.write(cell.weight)
            writer.write(cell.reward)
        }
    }

    mutating func write(_ folds: FoldSums) {
        write(folds.counts) { $0.write($1) }
        write(folds.sums) { $0.write($1) }
    }

    mutating func write(_ log: LogStatistics) {
        for arm in log.arms {
            write(arm.rowCount)
            write(arm.smallestPropensity)
            write(arm.propensities)
        }
        write(log.fullRowCount)
        write(log.timedRowCount)
        write(log.frequencies.rowCount)
        write(log.frequencies.snapshots) { $0.write($1) }
        write(log.frequencies.days) { $0.write($1) }
        write(log.frequencies.unnamed)
        write(log.calibration.bins) { writer, bin in
            for number in [bin.count, bin.estimates, bin.rewards, bin.rewardSquares] { writer.write(number) }
        }
        write(log.calibration.groups)
        write(log.calibration.outsideCount)
        write(log.calibration.estimateCount)
        write(log.unitSample.level)
        write(log.unitSample.entries.sorted { $0.key < $1.key }) { writer, entry in
            writer.write(entry.key)
            writer.write(entry.value.rowCount)
            writer.write(entry.value.times) { $0.write($1) }
        }
    }

    private mutating func write(_ tallies: ArmFrequencies.Tallies) {
        for arm in tallies.arms {
            write(arm.observed)
            write(arm.expected)
            write(arm.variance)
        }
    }

    mutating func write(_ course: EstimateCourse) {
        for table in [course.timed, course.untimed] {
            write(table) { writer, part in
                writer.write(part.rowCount)
                writer.write(part.first)
                writer.write(part.last)
                writer.write(part.sums)
            }
        }
    }
}
