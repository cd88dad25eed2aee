#include "passes/slide.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <new>
#include <optional>

#include "parallel.hpp"
#include "pool.hpp"

namespace pydream {

namespace {

// The multiplications that are worth a thread.
constexpr std::ptrdiff_t work_of_a_thread = std::ptrdiff_t{1} << 19;

std::ptrdiff_t divide_up(std::ptrdiff_t a, std::ptrdiff_t b) { return a / b + (a % b > 0 ? 1 : 0); }  // of b > 0
std::ptrdiff_t divide_down(std::ptrdiff_t a, std::ptrdiff_t b) { return a / b - (a % b < 0 ? 1 : 0); }

struct Range {
    std::ptrdiff_t begin, end;

    std::ptrdiff_t length() const { return end - begin; }
    Range within(const Range& other) const { return {std::max(begin, other.begin), std::min(end, other.end)}; }
};

// How the grid is divided into blocks, and a block's source into chunks of channels.
struct Plan {
    Pair block;
    std::ptrdiff_t channels;
};

// A part of the grid, computed from some channels of the source.
struct Block {
    std::ptrdiff_t image, group;
    Range rows, columns, channels;
};

// Where a row of the grid lies in a tile, and where its values go.
struct Segment {
    std::ptrdiff_t tile, column, length, target;
};

// One call of Slide::run.
template <class T>
class Run {
public:
    Run(const Slide<T>& slide, T* target, Pair target_size, const T* source, const Shape& source_shape, Pair lead,
        Pair shift, const End<T>& end)
        : slide_(slide),
          target_(target),
          source_(source),
          target_size_(target_size),
          source_size_(source_shape.size),
          n_(source_shape.n),
          lead_(lead),
          shift_(shift),
          end_(end) {
        flatten();
        for (std::size_t axis = 0; axis < 2; ++axis) {
            grid_[axis] = {std::numeric_limits<std::ptrdiff_t>::max(), std::numeric_limits<std::ptrdiff_t>::min()};
            halo_[axis] = 0;
            for (const auto& phase : slide.phases) {
                const Range places = places_of(phase, axis);
                if (places.length() > 0) {
                    grid_[axis].begin = std::min(grid_[axis].begin, places.begin);
                    grid_[axis].end = std::max(grid_[axis].end, places.end);
                }
                for (const auto& tap : phase.taps) halo_[axis] = std::max(halo_[axis], tap.offset[axis]);
            }
        }
        require_countable();
    }

    void operator()(int threads) {
        const double places = static_cast<double>(grid_[0].length()) * static_cast<double>(grid_[1].length());
        const double all = static_cast<double>(n_ * slide_.group) * places * static_cast<double>(work_of_a_place());
        threads = static_cast<int>(std::clamp<double>(all / work_of_a_thread, 1, threads));
        plan_ = best_plan(threads);
        const Pair blocks = blocks_of(plan_);
        const std::ptrdiff_t items = n_ * slide_.group * blocks[0] * blocks[1];
        std::atomic<std::ptrdiff_t> next{0};
        const auto work = [&](std::ptrdiff_t, std::ptrdiff_t) {
            Part part(source_numbers(plan_));
            std::optional<Block> block = block_at(next.fetch_add(1));
            while (block) {
                std::optional<Block> following;
                if (block->channels.end < slide_.channels) {
                    following = block;
                    following->channels = chunk_from(block->channels.end);
                } else {
                    following = block_at(next.fetch_add(1));
                }
                compute(part, *block, following);
                block = following;
            }
        };
        parallel_for(std::min<std::ptrdiff_t>(threads, items), worth_a_thread, threads, work);
    }

private:
    using Phase = typename Slide<T>::Phase;

    // What a thread reads ahead: lines of the next block's source, in each of its channels.
    struct Ahead {
        const T* first;
        std::ptrdiff_t rows, lines;  // lines of a row
        std::ptrdiff_t at_once;      // lines for a tile
        std::ptrdiff_t next;         // of all lines
    };

    // What a thread needs.
    struct Part {
        explicit Part(std::ptrdiff_t numbers) : source(static_cast<std::size_t>(numbers)) {}

        Scratch<T> source;
        std::vector<Segment> segments;
        std::vector<std::ptrdiff_t> offsets;
        Ahead ahead{};
        alignas(64) T staged[Tiles<T>::most_rows * Tiles<T>::most_columns];
        alignas(64) T positive[Tiles<T>::most_rows * Tiles<T>::most_columns];
    };

    // Where each pixel reads its own place alone, rows do not matter: an image is one long row.
    void flatten() {
        const bool alone = slide_.phases.size() == 1 && slide_.phases[0].taps.size() == 1 && slide_.split == Pair{1, 1};
        if (alone && lead_ == Pair{0, 0} && shift_ == Pair{0, 0} && target_size_ == source_size_) {
            target_size_ = source_size_ = {1, source_size_[0] * source_size_[1]};
        }
    }

    // Throws std::bad_alloc where the largest block, the whole grid with what its pixels read, cannot be counted.
    void require_countable() const {
        double numbers = static_cast<double>(slide_.channels) * static_cast<double>(slide_.planes.size());
        for (std::size_t axis = 0; axis < 2; ++axis) {
            numbers *= static_cast<double>(grid_[axis].length() + halo_[axis] + 1);
        }
        if (numbers > static_cast<double>(std::numeric_limits<std::ptrdiff_t>::max() / 64)) throw std::bad_alloc();
    }

    // The places of the grid that a phase writes.
    Range places_of(const Phase& phase, std::size_t axis) const {
        const std::ptrdiff_t first = shift_[axis] - phase.remainder[axis], spread = slide_.spread[axis];
        return {divide_up(first, spread), divide_down(target_size_[axis] - 1 + first, spread) + 1};
    }

    bool scattered() const { return slide_.spread[1] > 1; }

    // Multiplications for a place of the grid in one group.
    std::ptrdiff_t work_of_a_place() const {
        std::ptrdiff_t taps = 0;
        for (const auto& phase : slide_.phases) taps += static_cast<std::ptrdiff_t>(phase.taps.size());
        return slide_.rows * slide_.channels * taps;
    }

    Pair blocks_of(const Plan& plan) const {
        return {divide_up(grid_[0].length(), plan.block[0]), divide_up(grid_[1].length(), plan.block[1])};
    }

    std::ptrdiff_t pitch(std::ptrdiff_t columns) const { return columns + halo_[1]; }

    // Numbers of a block in one channel. An odd number of cache lines: channels must not fall into the same sets.
    std::ptrdiff_t channel_stride(std::ptrdiff_t rows, std::ptrdiff_t columns) const {
        constexpr std::ptrdiff_t line = cache_line<T>;
        const std::ptrdiff_t planes = static_cast<std::ptrdiff_t>(slide_.planes.size());
        return (divide_up(planes * (rows + halo_[0]) * pitch(columns), line) | 1) * line;
    }

    std::ptrdiff_t source_numbers(const Plan& plan) const {
        return plan.channels * channel_stride(plan.block[0], plan.block[1]) + 2 * slide_.tiles.columns;
    }

    // The time that a plan takes, about: in multiplications of a full tile.
    double cost(const Plan& plan, int threads) const {
        const Pair blocks = blocks_of(plan);
        const double items = static_cast<double>(n_ * slide_.group * blocks[0] * blocks[1]);
        const std::ptrdiff_t pixels = (plan.block[0] - 1) * pitch(plan.block[1]) + plan.block[1];
        const double tiles = static_cast<double>(divide_up(pixels, slide_.tiles.columns) * slide_.tiles.columns);
        const double chunks = static_cast<double>(divide_up(slide_.channels, plan.channels));
        const double copied = static_cast<double>(channel_stride(plan.block[0], plan.block[1]) * slide_.channels);
        const double sums = static_cast<double>(work_of_a_place());
        const double written = static_cast<double>(slide_.rows) * static_cast<double>(slide_.phases.size());
        // Measured: a number costs as much as this many multiplications where it is copied, written, or read again.
        const double copy = 5, weight = 4, write = scattered() ? 20 : 3, again = scattered() ? 60 : 8;
        const double block = sums * (tiles + weight) + copy * copied + written * tiles * (write + again * (chunks - 1));
        return std::ceil(items / threads) * block;
    }

    Plan best_plan(int threads) const {
        Plan best{{1, 1}, 1};
        double least = std::numeric_limits<double>::infinity();
        const Pair length{grid_[0].length(), grid_[1].length()};
        for (std::ptrdiff_t down = 1; down <= length[0]; down += 1 + down / 4) {
            for (std::ptrdiff_t across = 1; across <= length[1]; across += 1 + across / 4) {
                Plan plan{{divide_up(length[0], down), divide_up(length[1], across)}, 1};
                if (plan.block[0] == 1) {
                    const std::ptrdiff_t whole = divide_up(plan.block[1], slide_.tiles.columns) * slide_.tiles.columns;
                    plan.block[1] = std::min(whole, length[1]);
                }
                const std::ptrdiff_t most = slide_.cached / channel_stride(plan.block[0], plan.block[1]);
                if (most < 1 && least < std::numeric_limits<double>::infinity()) continue;
                const std::ptrdiff_t chunks = divide_up(slide_.channels, std::max<std::ptrdiff_t>(most, 1));
                plan.channels = divide_up(slide_.channels, chunks);
                const double time = cost(plan, threads);
                if (most < 1 || time < least) {
                    best = plan;
                    if (most >= 1) least = time;
                }
            }
        }
        return best;
    }

    Range chunk_from(std::ptrdiff_t channel) const {
        return Range{channel, channel + plan_.channels}.within({0, slide_.channels});
    }

    // Returns a block of all in their order, with its first channels.
    std::optional<Block> block_at(std::ptrdiff_t item) const {
        const Pair blocks = blocks_of(plan_);
        const std::ptrdiff_t count = blocks[0] * blocks[1], image = item / count;
        if (image >= n_ * slide_.group) return std::nullopt;
        const Pair at{item % count / blocks[1], item % blocks[1]};
        const auto range = [&](std::size_t axis) {
            const std::ptrdiff_t begin = grid_[axis].begin + at[axis] * plan_.block[axis];
            return Range{begin, begin + plan_.block[axis]}.within(grid_[axis]);
        };
        return Block{image / slide_.group, image % slide_.group, range(0), range(1), chunk_from(0)};
    }

    void compute(Part& part, const Block& block, const std::optional<Block>& following) const {
        copy_source(part, block);
        part.ahead = following ? ahead_of(block, *following) : Ahead{};
        for (const Phase& phase : slide_.phases) {
            find_segments(part, phase, block);
            find_offsets(part, phase, block);
            tiles(part, phase, block);
        }
    }

    // Returns the row or column of the source that place q of a plane is.
    std::ptrdiff_t source_place(std::size_t axis, std::ptrdiff_t q, const Pair& plane) const {
        return slide_.split[axis] * q + plane[axis] - lead_[axis];
    }

    const T* source_plane(const Block& block) const {
        const std::ptrdiff_t channel = (block.image * slide_.group + block.group) * slide_.channels;
        return source_ + (channel + block.channels.begin) * source_size_[0] * source_size_[1];
    }

    // Copies what the block reads, with zeros around: (channels, planes, rows + halo, columns + halo).
    void copy_source(Part& part, const Block& block) const {
        const Range& columns = block.columns;
        const std::ptrdiff_t width = pitch(columns.length()), split = slide_.split[1];
        const std::ptrdiff_t stride = channel_stride(block.rows.length(), columns.length());
        const T* from = source_plane(block);
        for (std::ptrdiff_t c = 0; c < block.channels.length(); ++c, from += source_size_[0] * source_size_[1]) {
            T* to = part.source.data() + c * stride;
            for (const Pair& plane : slide_.planes) {
                const std::ptrdiff_t at = source_place(1, 0, plane);
                const Range inside{divide_up(-at, split), divide_down(source_size_[1] - 1 - at, split) + 1};
                const Range read = inside.within({columns.begin, columns.begin + width});
                for (std::ptrdiff_t q = block.rows.begin; q < block.rows.end + halo_[0]; ++q, to += width) {
                    const std::ptrdiff_t row = source_place(0, q, plane);
                    if (row < 0 || row >= source_size_[0] || read.length() <= 0) {
                        std::fill(to, to + width, T{0});
                        continue;
                    }
                    const T* const values = from + row * source_size_[1] + split * read.begin + at;
                    T* const inner = std::fill_n(to, read.begin - columns.begin, T{0});
                    if (split == 1) {
                        std::copy_n(values, read.length(), inner);
                    } else {
                        for (std::ptrdiff_t i = 0; i < read.length(); ++i) inner[i] = values[split * i];
                    }
                    std::fill(inner + read.length(), to + width, T{0});
                }
            }
        }
    }

    // Returns what the tiles of a block read ahead for another one.
    Ahead ahead_of(const Block& block, const Block& following) const {
        const auto range = [&](std::size_t axis, const Range& places) {
            const std::ptrdiff_t last = places.end - 1 + halo_[axis];
            const Range read{slide_.split[axis] * places.begin - lead_[axis], slide_.split[axis] * (last + 1) - lead_[axis]};
            return read.within({0, source_size_[axis]});
        };
        const Range rows = range(0, following.rows), columns = range(1, following.columns);
        if (rows.length() <= 0 || columns.length() <= 0) return {};
        const std::ptrdiff_t lines = columns.length() / cache_line<T> + 1;
        const std::ptrdiff_t panels = divide_up(slide_.rows, slide_.tiles.rows);
        const std::ptrdiff_t pixels = block.rows.length() * pitch(block.columns.length());
        const std::ptrdiff_t tiles = static_cast<std::ptrdiff_t>(slide_.phases.size()) * panels *
                                     divide_up(pixels, slide_.tiles.columns);
        const T* const first = source_plane(following) + rows.begin * source_size_[1] + columns.begin;
        return {first, rows.length(), lines, divide_up(rows.length() * lines, tiles), 0};
    }

    // Lets a tile read what is next.
    void read_ahead(Tile<T>& tile, Ahead& ahead) const {
        const std::ptrdiff_t row = ahead.lines > 0 ? ahead.next / ahead.lines : 0;
        if (row >= ahead.rows) {
            tile.ahead_lines = 0;
            return;
        }
        const std::ptrdiff_t line = ahead.next % ahead.lines;
        tile.ahead = ahead.first + row * source_size_[1] + line * cache_line<T>;
        tile.ahead_lines = static_cast<int>(std::min(ahead.at_once, ahead.lines - line));
        ahead.next += tile.ahead_lines;
    }

    // Lists where the places of a phase lie in the block's tiles. A tile runs on from row to row, halo included.
    void find_segments(Part& part, const Phase& phase, const Block& block) const {
        part.segments.clear();
        const std::ptrdiff_t width = pitch(block.columns.length()), size = slide_.tiles.columns;
        const Range down = block.rows.within(places_of(phase, 0)), across = block.columns.within(places_of(phase, 1));
        for (std::ptrdiff_t q = down.begin; q < down.end; ++q) {
            const std::ptrdiff_t row = slide_.spread[0] * q + phase.remainder[0] - shift_[0];
            const std::ptrdiff_t start = (q - block.rows.begin) * width - block.columns.begin;
            for (std::ptrdiff_t column = across.begin; column < across.end;) {
                const std::ptrdiff_t flat = start + column;
                const std::ptrdiff_t length = std::min(size - flat % size, across.end - column);
                const std::ptrdiff_t target = slide_.spread[1] * column + phase.remainder[1] - shift_[1];
                part.segments.push_back({flat / size, flat % size, length, row * target_size_[1] + target});
                column += length;
            }
        }
    }

    void find_offsets(Part& part, const Phase& phase, const Block& block) const {
        part.offsets.clear();
        const std::ptrdiff_t rows = block.rows.length() + halo_[0], width = pitch(block.columns.length());
        for (const auto& tap : phase.taps) {
            part.offsets.push_back((tap.plane * rows + tap.offset[0]) * width + tap.offset[1]);
        }
    }

    // Computes a block of one phase: all rows of a group, from some of its channels.
    void tiles(Part& part, const Phase& phase, const Block& block) const {
        const Range& channels = block.channels;
        const std::ptrdiff_t taps = static_cast<std::ptrdiff_t>(phase.taps.size());
        const bool last = channels.end == slide_.channels;
        Tile<T> tile{};
        tile.channels = channels.length();
        tile.channel_stride = channel_stride(block.rows.length(), block.columns.length());
        tile.taps = taps;
        tile.offsets = part.offsets.data();
        tile.add = end_.add || channels.begin > 0;
        tile.rectify = end_.rectify && last;
        tile.ahead_stride = source_size_[0] * source_size_[1];
        const std::ptrdiff_t plane = target_size_[0] * target_size_[1];
        for (std::ptrdiff_t row = 0; row < slide_.rows; row += slide_.tiles.rows) {
            const std::ptrdiff_t rows = std::min(slide_.tiles.rows, slide_.rows - row);
            const std::ptrdiff_t channel = block.group * slide_.rows + row;
            tile.weights = phase.weights.data() + (channel * slide_.channels + channels.begin * rows) * taps;
            tile.bias = end_.bias && last ? end_.bias + channel : nullptr;
            const std::ptrdiff_t start = (block.image * slide_.group * slide_.rows + channel) * plane;
            const T* const positive = end_.positive && last ? end_.positive + start : nullptr;
            for (auto segment = part.segments.begin(); segment != part.segments.end();) {
                auto behind = segment;
                while (behind != part.segments.end() && behind->tile == segment->tile) ++behind;
                read_ahead(tile, part.ahead);
                tile.source = part.source.data() + segment->tile * slide_.tiles.columns;
                if (segment->length == slide_.tiles.columns && !scattered()) {
                    tile.out = target_ + start + segment->target;
                    tile.stride = plane;
                    tile.positive = positive ? positive + segment->target : nullptr;
                    slide_.tiles.run[rows - 1](tile);
                } else {
                    staged(part, tile, rows, {&*segment, &*segment + (behind - segment)}, target_ + start, positive);
                }
                segment = behind;
            }
        }
    }

    struct Segments {
        const Segment *first, *last;
        const Segment* begin() const { return first; }
        const Segment* end() const { return last; }
    };

    // Computes a tile whose pixels do not lie beside each other in the target.
    void staged(Part& part, Tile<T>& tile, std::ptrdiff_t rows, Segments segments, T* target, const T* positive) const {
        const std::ptrdiff_t width = slide_.tiles.columns;
        tile.out = part.staged;
        tile.stride = width;
        tile.positive = positive ? part.positive : nullptr;
        if (tile.add) each(rows, segments, [&](std::ptrdiff_t at, std::ptrdiff_t to) { part.staged[at] = target[to]; });
        if (positive) {
            each(rows, segments, [&](std::ptrdiff_t at, std::ptrdiff_t to) { part.positive[at] = positive[to]; });
        }
        slide_.tiles.run[rows - 1](tile);
        each(rows, segments, [&](std::ptrdiff_t at, std::ptrdiff_t to) { target[to] = part.staged[at]; });
    }

    // Calls body(place in the staged tile, place in the target).
    template <class Body>
    void each(std::ptrdiff_t rows, Segments segments, const Body& body) const {
        const std::ptrdiff_t plane = target_size_[0] * target_size_[1], spread = slide_.spread[1];
        for (const Segment& segment : segments) {
            for (std::ptrdiff_t r = 0; r < rows; ++r) {
                const std::ptrdiff_t at = r * slide_.tiles.columns + segment.column, to = r * plane + segment.target;
                for (std::ptrdiff_t i = 0; i < segment.length; ++i) body(at + i, to + spread * i);
            }
        }
    }

    const Slide<T>& slide_;
    T* const target_;
    const T* const source_;
    Pair target_size_, source_size_;
    const std::ptrdiff_t n_;
    const Pair lead_, shift_;
    const End<T> end_;
    Range grid_[2];  // all places
    Pair halo_;      // how far beyond its place a pixel reads
    Plan plan_{};
};

}  // namespace

template <class T>
void Slide<T>::run(T* target, Pair target_size, const T* source, const Shape& source_shape, Pair lead, Pair shift,
                   const End<T>& end, int threads) const {
    Run<T>(*this, target, target_size, source, source_shape, lead, shift, end)(threads);
}

template class Slide<float>;
template class Slide<double>;

}  // namespace pydream
