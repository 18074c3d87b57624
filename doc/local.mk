# Manual pages and the specification of the shared memory.
dist_doc_DATA += %D%/layout.md
dist_man_MANS += \
	%D%/bell_bind.3 \
	%D%/bell_event_new.3 \
	%D%/bell_join.3 \
	%D%/bell_memory.3 \
	%D%/bell_open.3 \
	%D%/bell_peers.3 \
	%D%/bell_ping.3 \
	%D%/bell_recv.3 \
	%D%/bell_ring.3 \
	%D%/bell_send.3 \
	%D%/bell_strerror.3 \
	%D%/bell_wait.3 \
	%D%/bellring.7

# Pages that lead to the one that tells of several functions. They are made, in
# a folder of their own, because they name their target as it is installed.
EVENT_LINKS = %D%/links/bell_event_free.3
JOIN_LINKS = \
	%D%/links/bell_bus_name.3 \
	%D%/links/bell_get_stats.3 \
	%D%/links/bell_leave.3 \
	%D%/links/bell_set_wait.3
MEMORY_LINKS = \
	%D%/links/bell_bus_size.3 \
	%D%/links/bell_id.3 \
	%D%/links/bell_port_name.3 \
	%D%/links/bell_vectors.3
OPEN_LINKS = %D%/links/bell_close.3
PEERS_LINKS = \
	%D%/links/bell_find.3 \
	%D%/links/bell_kind_name.3 \
	%D%/links/bell_state_name.3
RECV_LINKS = %D%/links/bell_on_message.3
RING_LINKS = \
	%D%/links/bell_on_interrupt.3 \
	%D%/links/bell_on_peer.3
SEND_LINKS = \
	%D%/links/bell_max_message.3 \
	%D%/links/bell_post.3
STRERROR_LINKS = %D%/links/bell_detail.3
WAIT_LINKS = \
	%D%/links/bell_dispatch.3 \
	%D%/links/bell_handle.3
MAN_LINKS = \
	$(EVENT_LINKS) \
	$(JOIN_LINKS) \
	$(MEMORY_LINKS) \
	$(OPEN_LINKS) \
	$(PEERS_LINKS) \
	$(RECV_LINKS) \
	$(RING_LINKS) \
	$(SEND_LINKS) \
	$(STRERROR_LINKS) \
	$(WAIT_LINKS)
nodist_man_MANS = $(MAN_LINKS)
CLEANFILES += $(MAN_LINKS)

man_link = $(AM_V_GEN)$(MKDIR_P) %D%/links && echo .so man3/
$(EVENT_LINKS): ; $(man_link)bell_event_new.3 >$@
$(JOIN_LINKS): ; $(man_link)bell_join.3 >$@
$(MEMORY_LINKS): ; $(man_link)bell_memory.3 >$@
$(OPEN_LINKS): ; $(man_link)bell_open.3 >$@
$(PEERS_LINKS): ; $(man_link)bell_peers.3 >$@
$(RECV_LINKS): ; $(man_link)bell_recv.3 >$@
$(RING_LINKS): ; $(man_link)bell_ring.3 >$@
$(SEND_LINKS): ; $(man_link)bell_send.3 >$@
$(STRERROR_LINKS): ; $(man_link)bell_strerror.3 >$@
$(WAIT_LINKS): ; $(man_link)bell_wait.3 >$@
