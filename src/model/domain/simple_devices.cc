#include "model/domain/simple_devices.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

// --- <video> ---------------------------------------------------------------------------------------------------

bool IsQxl(const Video& v) { return v.type == VideoType::kQxl; }
bool HasHeads(const Video& v) { return v.heads.value_or(0) != 0; }

constexpr RowOf<VideoAcceleration> kAccelerationRows[] = {
    Attr<&VideoAcceleration::accel2d>("accel2d"),
    Attr<&VideoAcceleration::accel3d>("accel3d"),
    Attr<&VideoAcceleration::rendernode>("rendernode"),
};
constexpr Description<VideoAcceleration> kAcceleration{kAccelerationRows};
constexpr RowOf<VideoResolution> kResolutionRows[] = {
    Attr<&VideoResolution::x>("x").Required(),
    Attr<&VideoResolution::y>("y").Required(),
};
constexpr Description<VideoResolution> kResolution{kResolutionRows};
constexpr RowOf<Video> kVideoDriverRows[] = {
    Include<&Video::virtio>(kVirtioOptions),
    Attr<&Video::backend>("name").NonZero(),
    Attr<&Video::vgaconf>("vgaconf").NonZero(),  // bhyve's
};
constexpr RowOf<Video> kVideoModelRows[] = {
    Attr<&Video::type>("type").With(kEmptyIsAbsent).NonZero().Fails(Fault::kUnsupported),
    Attr<&Video::ram>("ram").With(kEmptyIsAbsent).Fails(Fault::kDomainXml).WhenWriting<&IsQxl>(),
    Attr<&Video::vram>("vram").With(kEmptyIsAbsent).Fails(Fault::kDomainXml),
    Attr<&Video::vram64>("vram64").With(kEmptyIsAbsent).Fails(Fault::kDomainXml).WhenWriting<&IsQxl>(),
    Attr<&Video::vgamem>("vgamem").With(kEmptyIsAbsent).Fails(Fault::kDomainXml).WhenWriting<&IsQxl>(),
    Attr<&Video::heads>("heads").Fails(Fault::kInternal).WhenWriting<&HasHeads>(),
    Attr<&Video::primary>("primary").With(kIgnoreBad),
    Child<&Video::acceleration>("acceleration", kAcceleration).With(kNotEmpty),
    Child<&Video::resolution>("resolution", kResolution).With(kNotEmpty),
};
constexpr RowOf<Video> kVideoRows[] = {
    Group("driver", kVideoDriverRows),
    Group("model", kVideoModelRows),
    Include<&Video::info>(kDeviceInfo),
};

void CheckVideo(Parser& p, Video& v, const xml::Node& element) {
  const xml::Node* model = element.Child("model");
  for (const char* name : {"ram", "vram64", "vgamem"}) {
    if (model && !IsQxl(v) && model->Attr(name)) p.Fail(Fault::kUnsupported, std::string(name) + " attribute only supported for video type qxl");
  }
  const xml::Node* acceleration = model ? model->Child("acceleration") : nullptr;
  if (acceleration && !acceleration->attributes) p.FailBeyondSchema(Fault::kUnsupported, "missing values for acceleration");
  const xml::Node* resolution = model ? model->Child("resolution") : nullptr;
  if (resolution && (!v.resolution || v.resolution->x == 0 || v.resolution->y == 0)) {
    p.FailBeyondSchema(Fault::kUnsupported, "video resolution values must be greater than 0");
  }
}

// --- <input> ---------------------------------------------------------------------------------------------------

bool IsPassthrough(const Input& i) { return i.type == InputType::kPassthrough; }
bool IsEvdev(const Input& i) { return i.type == InputType::kEvdev; }
bool HasBus(const Input& i) { return i.type != InputType::kEvdev; }

constexpr RowOf<Input> kInputSourceRows[] = {
    Attr<&Input::evdev>("evdev").When<&IsPassthrough>(),
    Attr<&Input::evdev>("dev").When<&IsEvdev>(),
    Attr<&Input::grab>("grab").NonZero().When<&IsEvdev>(),
    Attr<&Input::grab_toggle>("grabToggle").NonZero().When<&IsEvdev>(),
    Attr<&Input::repeat>("repeat").When<&IsEvdev>(),
};
constexpr RowOf<Input> kInputDriverRows[] = {Include<&Input::virtio>(kVirtioOptions)};
constexpr RowOf<Input> kInputRows[] = {
    Attr<&Input::type>("type").Required().Fails(Fault::kUnsupported).FailsMissing(Fault::kInternal),
    Attr<&Input::bus>("bus").NonZero().Fails(Fault::kUnsupported).WhenWriting<&HasBus>(),
    Attr<&Input::model>("model").NonZero().Fails(Fault::kUnsupported),
    Group("driver", kInputDriverRows),
    Group("source", kInputSourceRows),
    Include<&Input::info>(kDeviceInfo),
};
void CheckInput(Parser& p, Input& i, const xml::Node& element) {
  if (i.type == InputType::kPassthrough && i.bus != InputBus::kDefault && i.bus != InputBus::kVirtio) {
    p.Fail(Fault::kUnsupported, "Input type 'passthrough' is supported with virtio bus only");
  }
  if ((IsPassthrough(i) || IsEvdev(i)) && element.Child("source") && i.evdev.empty()) p.Fail(Fault::kDomainXml, "Missing evdev path for input device");
  if (i.bus == InputBus::kUsb) CheckUsbPlace(p, i.info);
}

// --- <hub>, <sound>, <watchdog>, <memballoon>, <nvram>, <panic> ------------------------------------------------

constexpr RowOf<Hub> kHubRows[] = {
    Attr<&Hub::type>("type").Required().Fails(Fault::kUnsupported).FailsMissing(Fault::kInternal),
    Include<&Hub::info>(kDeviceInfo),
};

constexpr RowOf<SoundCodecEntry> kCodecRows[] = {Attr<&SoundCodecEntry::type>("type").Required().Fails(Fault::kUnsupported)};
constexpr Description<SoundCodecEntry> kCodec{kCodecRows};
constexpr RowOf<Sound> kSoundAudioRows[] = {Attr<&Sound::audio_id>("id").Required().NonZero()};
constexpr RowOf<Sound> kSoundRows[] = {
    Attr<&Sound::model>("model").Required(),
    Child<&Sound::codecs>("codec", kCodec),
    Group("audio", kSoundAudioRows),
    Include<&Sound::info>(kDeviceInfo),
};
// The codecs of a high definition audio controller; other models have none.
void DropCodecs(Parser&, Sound& s, const xml::Node&) {
  if (s.model != SoundModel::kIch6 && s.model != SoundModel::kIch9) s.codecs.clear();
}

constexpr RowOf<Watchdog> kWatchdogRows[] = {
    Attr<&Watchdog::model>("model").Required().Fails(Fault::kUnsupported).FailsMissing(Fault::kXml),
    Attr<&Watchdog::action>("action").Fails(Fault::kUnsupported),
    Include<&Watchdog::info>(kDeviceInfo),
};

bool HasBalloon(const Memballoon& b) { return b.model != MemballoonModel::kNone; }
constexpr RowOf<Memballoon> kStatsRows[] = {Attr<&Memballoon::stats_period>("period")};
constexpr RowOf<Memballoon> kBalloonDriverRows[] = {Include<&Memballoon::virtio>(kVirtioOptions)};
constexpr RowOf<Memballoon> kMemballoonRows[] = {
    Attr<&Memballoon::model>("model").Required(),
    Attr<&Memballoon::autodeflate>("autodeflate"),
    Attr<&Memballoon::free_page_reporting>("freePageReporting"),
    Group("stats", kStatsRows),
    Include<&Memballoon::info>(kDeviceInfo).WhenWriting<&HasBalloon>(),
    Group("driver", kBalloonDriverRows),
};

constexpr RowOf<NvramDevice> kNvramRows[] = {Include<&NvramDevice::info>(kDeviceInfo)};

constexpr RowOf<Panic> kPanicRows[] = {
    Include<&Panic::info>(kDeviceInfo).With(kParseOnly),  // first: which of two errors is told
    Attr<&Panic::model>("model").NonZero().Fails(Fault::kUnsupported),
    Include<&Panic::info>(kDeviceInfo).With(kFormatOnly),
};

// --- <shmem> -----------------------------------------------------------------------------------------------------

void ReadShmemSize(Parser& p, Shmem& s, const xml::Node& element) {
  if (const xml::Node* size = element.Child("size")) s.size = p.ScaledText(*size, SizeSpec{1, 1024 * 1024, "M"});
}
void WriteShmemSize(Formatter& f, const Shmem& s) {
  if (!s.size) return;
  f.out().Open("size");
  f.Attr("unit", "M");
  f.out().CloseWithText("size", std::to_string(s.size >> 20));
}
constexpr RowOf<ShmemServer> kServerRows[] = {Attr<&ShmemServer::path>("path")};
constexpr Description<ShmemServer> kServer{kServerRows};
constexpr RowOf<ShmemMsi> kMsiRows[] = {
    Attr<&ShmemMsi::vectors>("vectors"),
    Attr<&ShmemMsi::ioeventfd>("ioeventfd"),
};
constexpr Description<ShmemMsi> kMsi{kMsiRows};
constexpr RowOf<Shmem> kShmemModelRows[] = {Attr<&Shmem::model>("type").Required()};
constexpr RowOf<Shmem> kShmemRows[] = {
    Attr<&Shmem::name>("name").Required().Fails(Fault::kDomainXml),
    Attr<&Shmem::role>("role").NonZero(),
    Group("model", kShmemModelRows),
    Custom<&ReadShmemSize, &WriteShmemSize>("size"),
    Child<&Shmem::server>("server", kServer),
    Child<&Shmem::msi>("msi", kMsi),
    Include<&Shmem::info>(kDeviceInfo),
};
void CheckShmem(Parser& p, Shmem& s, const xml::Node&) {
  if (s.name.find('/') != std::string::npos) p.Fail(Fault::kDomainXml, "shmem name cannot include '/' character");
  if (s.msi && !s.server) p.FailBeyondSchema(Fault::kDomainXml, "msi option is only supported with a server");
}

// --- <memory> ----------------------------------------------------------------------------------------------------

using M = MemoryDevice;
bool TakesPages(const M& m) {
  return m.model == MemoryModel::kDimm || m.model == MemoryModel::kVirtioMem || m.model == MemoryModel::kSgxEpc;
}
bool TakesPath(const M& m) { return m.model == MemoryModel::kNvdimm || m.model == MemoryModel::kVirtioPmem; }
constexpr RowOf<M> kMemorySourceRows[] = {
    TextChild<&M::source_nodes>("nodemask").When<&TakesPages>().Fails(Fault::kBitmap),
    Size<&M::page_size>("pagesize", kKiB).When<&TakesPages>(),
    TextChild<&M::path>("path").When<&TakesPath>(),
    Size<&M::align_size>("alignsize", kKiB).When<&TakesPath>(),
    Flag<&M::pmem>("pmem").When<&TakesPath>(),
};
constexpr RowOf<M> kLabelRows[] = {Size<&M::label_size>("size", kKiB)};
constexpr RowOf<M> kMemoryTargetRows[] = {
    Size<&M::size>("size", kKiB).Always(),
    TextChild<&M::node>("node").Fails(Fault::kDomainXml),
    Group("label", kLabelRows),
    Flag<&M::readonly>("readonly"),
    Size<&M::block_size>("block", kKiB),
    Size<&M::requested_size>("requested", kKiB),
    Size<&M::current_size>("current", kKiB).LiveOnly(),
};
constexpr RowOf<M> kMemoryRows[] = {
    Attr<&M::model>("model").Required().NonZero(),
    Attr<&M::access>("access").NonZero(),
    Attr<&M::discard>("discard"),
    TextChild<&M::uuid>("uuid").Fails(Fault::kDomainXml),
    Group("source", kMemorySourceRows),
    Group("target", kMemoryTargetRows).Required().Fails(Fault::kDomainXml),
    Include<&M::info>(kDeviceInfo),
};
void CheckMemory(Parser& p, M& m, const xml::Node& element) {
  const xml::Node* target = element.Child("target");
  if (target && target->ChildText("size").value_or("").empty()) p.Fail(Fault::kDomainXml, "missing element or attribute './size'");
  if (m.source_nodes && m.source_nodes->empty()) p.Fail(Fault::kUnsupported, "Invalid value of 'nodemask'");
  if (TakesPath(m) && m.path.empty()) p.FailBeyondSchema(Fault::kDomainXml, "path is required for model '" + std::string(ToString(m.model)) + "'");
  if (m.model == MemoryModel::kNvdimm && element.Child("target")->Child("label") && m.label_size == 0) {
    p.Fail(Fault::kDomainXml, "nvdimm label must be at least 128KiB");
  }
}

// --- <iommu>, <vsock>, <crypto>, <lease> ---------------------------------------------------------------------------

constexpr RowOf<Iommu> kIommuDriverRows[] = {
    Attr<&Iommu::intremap>("intremap"),
    Attr<&Iommu::caching_mode>("caching_mode"),
    Attr<&Iommu::eim>("eim"),
    Attr<&Iommu::iotlb>("iotlb"),
    Attr<&Iommu::aw_bits>("aw_bits"),
};
constexpr RowOf<Iommu> kIommuRows[] = {
    Attr<&Iommu::model>("model").Required(),
    Group("driver", kIommuDriverRows),
    Include<&Iommu::info>(kDeviceInfo),
};

constexpr RowOf<Vsock> kCidRows[] = {
    Attr<&Vsock::auto_cid>("auto"),
    Attr<&Vsock::guest_cid>("address").NonZero(),
};
constexpr RowOf<Vsock> kVsockDriverRows[] = {Include<&Vsock::virtio>(kVirtioOptions)};
constexpr RowOf<Vsock> kVsockRows[] = {
    Attr<&Vsock::model>("model").NonZero(),
    Group("cid", kCidRows),
    Include<&Vsock::info>(kDeviceInfo),
    Group("driver", kVsockDriverRows),
};

constexpr RowOf<Crypto> kBackendRows[] = {
    Attr<&Crypto::backend>("model").Required(),
    Attr<&Crypto::queues>("queues"),
};
constexpr RowOf<Crypto> kCryptoDriverRows[] = {Include<&Crypto::virtio>(kVirtioOptions)};
constexpr RowOf<Crypto> kCryptoRows[] = {
    Attr<&Crypto::model>("model").Required(),
    Attr<&Crypto::type>("type").Required(),
    Group("backend", kBackendRows).Required().Fails(Fault::kDomainXml),
    Group("driver", kCryptoDriverRows),
    Include<&Crypto::info>(kDeviceInfo),
};

constexpr RowOf<Lease> kLeaseTargetRows[] = {
    Attr<&Lease::path>("path"),
    Attr<&Lease::offset>("offset"),
};
constexpr RowOf<Lease> kLeaseRows[] = {
    TextChild<&Lease::lockspace>("lockspace"),
    TextChild<&Lease::key>("key"),
    Group("target", kLeaseTargetRows),
};
void CheckLease(Parser& p, Lease& lease, const xml::Node&) {
  if (lease.key.empty()) p.Fail(Fault::kDomainXml, "Missing 'key' element for lease");
  if (lease.path.empty()) p.Fail(Fault::kDomainXml, "Missing 'target' element for lease");
}

}  // namespace

constinit const Description<Video> kVideo = Describe<&CheckVideo>(kVideoRows);
constinit const Description<Input> kInput = Describe<&CheckInput>(kInputRows);
constinit const Description<Hub> kHub{kHubRows};
constinit const Description<Sound> kSound = Describe<&DropCodecs>(kSoundRows);
constinit const Description<Watchdog> kWatchdog{kWatchdogRows};
constinit const Description<Memballoon> kMemballoon{kMemballoonRows};
constinit const Description<NvramDevice> kNvramDevice{kNvramRows};
constinit const Description<Panic> kPanic{kPanicRows};
constinit const Description<Shmem> kShmem = Describe<&CheckShmem>(kShmemRows);
constinit const Description<MemoryDevice> kMemoryDevice = Describe<&CheckMemory>(kMemoryRows);
constinit const Description<Iommu> kIommu{kIommuRows};
constinit const Description<Vsock> kVsock{kVsockRows};
constinit const Description<Crypto> kCrypto{kCryptoRows};
constinit const Description<Lease> kLease = Describe<&CheckLease>(kLeaseRows);

}  // namespace bv::model
