// A field of an ops table decides by the table's type, not by the field's name alone.
static netdev_tx_t xmit(struct sk_buff *skb, struct net_device *dev)
{
	mutex_lock(&m);
//      ^^^^^^^^^^ sleep-in-atomic-callback[medium, ops-callback]: xmit > mutex_lock
	mutex_unlock(&m);
	return NETDEV_TX_OK;
}

static int open(struct net_device *dev)
{
	mutex_lock(&m);
	mutex_unlock(&m);
	return 0;
}

static void other_xmit(struct channel *c)
{
	mutex_lock(&m);
	mutex_unlock(&m);
}

static const struct net_device_ops netdev_ops = {
	.ndo_open = open,
	.ndo_start_xmit = xmit,
};

static const struct channel_ops channel_ops = {
	.ndo_start_xmit = other_xmit,
};
