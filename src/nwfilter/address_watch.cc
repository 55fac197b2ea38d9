#include "nwfilter/address_watch.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <optional>

#include "base/error.h"
#include "base/task.h"
#include "base/wait.h"

namespace bv::nwfilter {

namespace {

constexpr std::uint32_t kWhole = 0x40000, kNothing = 0;
constexpr std::size_t kSnapshot = 2048;  // DHCP's answers fit
constexpr int kPacketsAtOnce = 32;

// Offsets in a frame of Ethernet with IPv4 in it.
constexpr std::uint32_t kType = 12, kIpv4 = 14, kFragment = kIpv4 + 6, kProtocol = kIpv4 + 9;

const sock_filter kIpv4AndArp[] = {
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kType),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, kWhole),
    BPF_STMT(BPF_RET | BPF_K, kNothing),
};
const sock_filter kDhcpAnswers[] = {
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kType),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 10),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kProtocol),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 8),
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kFragment),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 6, 0),
    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, kIpv4),
    BPF_STMT(BPF_LD | BPF_H | BPF_IND, kIpv4),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 67, 0, 3),
    BPF_STMT(BPF_LD | BPF_H | BPF_IND, kIpv4 + 2),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 68, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, kWhole),
    BPF_STMT(BPF_RET | BPF_K, kNothing),
};

template <std::size_t N>
sock_fprog Program(const sock_filter (&code)[N]) {
  return {N, const_cast<sock_filter*>(code)};
}

}  // namespace

Fd AddressWatch::Open(const std::string& interface, LearnFrom from) {
  auto check = [&](bool good) {
    if (!good) throw SystemError(ErrorDomain::kNwfilter, "cannot listen on interface " + interface);
  };
  Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  check(socket.get() >= 0);
  sock_fprog program = from == LearnFrom::kDhcp ? Program(kDhcpAnswers) : Program(kIpv4AndArp);
  check(setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  check(address.sll_ifindex > 0);
  check(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

AddressWatch::AddressWatch(Fd socket, const model::MacAddress& guest, LearnFrom from, Tell tell)
    : guest_(guest), from_(from), tell_(std::move(tell)), socket_(std::move(socket)),
      watch_(std::make_unique<FdWatch>(socket_.get(), EPOLLIN, [this](std::uint32_t) { OnReadable(); })) {}

// The kernel takes its time to close such a socket.
AddressWatch::~AddressWatch() {
  watch_.reset();
  auto close = [socket = std::make_shared<Fd>(std::move(socket_))] { *socket = Fd(); };
  Spawn(Offload(std::move(close)), "address watch");
}

void AddressWatch::OnReadable() {
  std::uint8_t buffer[kSnapshot];
  for (int i = 0; i < kPacketsAtOnce; ++i) {
    ssize_t size = recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    // An interface that went down reports it once, and may come up again.
    if (size < 0) return;
    std::optional<LearnedAddress> learned = LearnAddress({buffer, static_cast<std::size_t>(size)}, guest_, from_);
    if (!learned) continue;
    Tell tell = tell_;
    tell(std::move(*learned));
    return;  // this may be gone now; packets that are left call again
  }
}

}  // namespace bv::nwfilter
